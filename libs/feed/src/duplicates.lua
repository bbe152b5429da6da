-- Whether an entry repeats an event: its digest belongs to another entry of about the same time. `holder` is false where the
-- digest belongs to none.
local function isRepeated(id, holder, windowMs)
  if not holder or holder == id then return false end
  local apart = tonumber((parts(id))) - tonumber((parts(holder)))
  return math.abs(apart) < windowMs
end
