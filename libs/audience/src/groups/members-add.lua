#!lua
-- Adds users to a group, and tells whoever follows the changes.
--
-- Atomic, because a group's members and each member's groups are two views of one fact, and because the change must be told
-- in the order in which it was made. Everything that can be refused is refused before the first write.
--
-- KEYS 1 feed  2 group changes  3 the group's members  4 the tenant's group names  5… each user's groups
-- ARGV 1 tenant  2 group  3 most groups of a user  4 most members of the group  5 changes kept  6… users
-- Returns { number of users who were not in it, its size }
-- Errors  USER_GROUPS   a user is in as many groups as one may be; its position among the users follows
--         GROUP_FULL    the group would have more members than it may
--         OOM           from Redis
local feed, changes, members, names = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local tenant, group, maxGroups, maxMembers = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- @include streams

local added, keys, known = {}, {}, {}
for i = 6, #ARGV do
  local user, key = ARGV[i], KEYS[i - 1]
  if not known[user] and redis.call('SISMEMBER', members, user) == 0 then
    if redis.call('HLEN', key) >= maxGroups then return redis.error_reply('USER_GROUPS ' .. (i - 6)) end
    known[user] = true
    added[#added + 1] = user
    keys[#keys + 1] = key
  end
end
local size = redis.call('SCARD', members)
if size + #added > maxMembers then return redis.error_reply('GROUP_FULL') end
if #added == 0 then return { 0, size } end

-- A room has no history before the membership: what is fanned out from here on is the member's to see.
local since = lastIdOf(feed)
local prev = lastIdOf(changes)
for i, key in ipairs(keys) do redis.call('HSET', key, group, since) end
redis.call('SADD', members, unpack(added))
redis.call('ZADD', names, 0, group)
redis.call('XADD', changes, 'MAXLEN', ARGV[5], '*', 'prev', prev, 'tenant', tenant, 'group', group, 'users',
  cjson.encode(added))
return { #added, size + #added }
