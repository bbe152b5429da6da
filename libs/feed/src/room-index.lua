-- The last entry of a room index, or what was cut last where a cut left nothing but its mark; '0-0' where it is empty.
local function lastInRoom(key)
  local last = redis.call('LINDEX', key, -1)
  if last and string.sub(last, 1, 1) == '~' then last = string.sub(last, 2) end
  return last or '0-0'
end

-- Appends entries to a room index, and cuts it to its bound. Cutting a little more at a time keeps the cost of a cut away from
-- most pushes.
local function pushToRoom(key, ids, maxPerRoom, roomTtl)
  local length = redis.call('RPUSH', key, unpack(ids))
  if length > maxPerRoom + math.min(100, math.max(1, math.floor(maxPerRoom / 10))) then
    local cut = redis.call('LINDEX', key, length - maxPerRoom - 1)
    redis.call('LTRIM', key, -maxPerRoom, -1)
    redis.call('LPUSH', key, '~' .. cut)
  end
  redis.call('PEXPIRE', key, roomTtl)
end
