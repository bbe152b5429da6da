#!lua flags=allow-oom
-- Removes users from a group, and tells whoever follows the changes.
--
-- Atomic, because a group's members and each member's groups are two views of one fact, and because the change must be told
-- in the order in which it was made. Runs when memory is full: shutting somebody out must not depend on room for events, and
-- what is told is bounded.
--
-- KEYS 1 group changes  2 the group's members  3 the tenant's group names  4… each user's groups
-- ARGV 1 tenant  2 group  3 changes kept  4… users
-- Returns { number of users who were in it, its size }
local changes, members, names = KEYS[1], KEYS[2], KEYS[3]
local tenant, group = ARGV[1], ARGV[2]

-- @include streams

local removed = {}
for i = 4, #ARGV do
  if redis.call('SREM', members, ARGV[i]) == 1 then removed[#removed + 1] = ARGV[i] end
  redis.call('HDEL', KEYS[i], group)
end
local size = redis.call('SCARD', members)
if size == 0 then redis.call('ZREM', names, group) end
if #removed > 0 then
  local prev = lastIdOf(changes)
  redis.call('XADD', changes, 'MAXLEN', ARGV[3], '*', 'prev', prev, 'tenant', tenant, 'group', group, 'users',
    cjson.encode(removed))
end
return { #removed, size }
