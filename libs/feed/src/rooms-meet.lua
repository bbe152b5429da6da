#!lua flags=no-writes
-- Whether one entry went to both of two rooms, as far as their indexes reach.
--
-- Atomic, because an index may be cut between looking at the one and at the other.
--
-- KEYS 1 one room index  2 another
-- ARGV 1 how many of the newest entries of the first are looked for in the second
-- Returns 1 or 0
-- @include streams
local length = redis.call('LLEN', KEYS[2])
local function holds(id)
  local low, high = 0, length - 1
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local value = redis.call('LINDEX', KEYS[2], middle)
    if value == id then return true end
    -- The mark of a cut is below every entry.
    if string.sub(value, 1, 1) == '~' or below(value, id) then low = middle + 1 else high = middle - 1 end
  end
  return false
end
for _, id in ipairs(redis.call('LRANGE', KEYS[1], -tonumber(ARGV[1]), -1)) do
  if string.sub(id, 1, 1) ~= '~' and holds(id) then return 1 end
end
return 0
