#!lua flags=allow-oom
-- Removes a slice of what nobody needs any more from the event stream: entries below `done`, below every group's smallest
-- pending entry and below every group's last delivered entry. The entry `done` itself stays.
--
-- Atomic, because the bound must still hold when the entries go, and because the backlog (XLEN − handled) must stay exact.
-- Removes whole nodes of the stream only (`~`), so some handled entries stay for a while; that makes a slice cheap.
--
-- KEYS 1 lease  2 events  3 done  4 handled
-- ARGV 1 fencing token  2 most entries to remove, at least stream-node-max-entries (100 by default)
-- Returns the number of removed entries
-- Errors  FENCED  the token is not the lease's
local lease, events, done, handled = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local token, limit = ARGV[1], ARGV[2]

-- @include streams

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
if redis.call('EXISTS', events) == 0 then return 0 end
local handledTo = redis.call('GET', done) or '0-0'
local counted = math.max(0, tonumber(redis.call('GET', handled) or '0') or 0)

local bound = handledTo
for _, group in ipairs(groupsOf(events)) do
  if below(group['last-delivered-id'], bound) then bound = group['last-delivered-id'] end
  if group.pending > 0 then
    local smallest = redis.call('XPENDING', events, group.name)[2]
    if smallest and below(smallest, bound) then bound = smallest end
  end
end

local removed = 0
if bound ~= '0-0' then removed = redis.call('XTRIM', events, 'MINID', '~', bound, 'LIMIT', limit) end
local remaining = math.max(0, counted - removed)
local first = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
if not first or below(handledTo, first[1]) then remaining = 0 end
if remaining ~= counted then redis.call('SET', handled, string.format('%.0f', remaining)) end
return removed
