-- Whether exactly so many rooms were written ahead, for this entry; where none is meant, whether nothing is, for any. `ahead` holds
-- the entry ID and then the rooms' names.
local function isWrittenAhead(ahead, id, rooms)
  local length = redis.call('LLEN', ahead)
  if rooms == 0 then return length == 0 end
  return length == rooms + 1 and redis.call('LINDEX', ahead, 0) == id
end
