#!lua flags=no-writes
-- Looks at one partition, at a cost that does not depend on how much is in it.
--
-- Atomic, because lag, pending and backlog say something together only where they are of one moment.
--
-- KEYS 1 events  2 feed  3 done  4 floor  5 lease  6 owner  7 handled  8 feed-bytes  9 full  10 dead-order  11 parked-order
--      12 paused
-- ARGV 1 consumer group
-- Returns names and values, one after the other; what is not there is left out
-- @include streams

local function streamOf(key)
  local reply = redis.pcall('XINFO', 'STREAM', key)
  return reply.err and {} or named(reply)
end
local answer = {}
local function put(name, value)
  if value then
    answer[#answer + 1] = name
    answer[#answer + 1] = tostring(value)
  end
end
local time = redis.call('TIME')
put('now', string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)))

local events, feed = streamOf(KEYS[1]), streamOf(KEYS[2])
put('length', events.length or 0)
put('last', events['last-generated-id'])
put('added', events['entries-added'])
put('handled', redis.call('GET', KEYS[7]))
put('done', redis.call('GET', KEYS[3]))
put('floor', redis.call('GET', KEYS[4]))
put('feedLength', feed.length or 0)
put('feedLast', feed['last-generated-id'])
if feed['first-entry'] then put('feedFirst', feed['first-entry'][1]) end
put('feedBytes', redis.call('GET', KEYS[8]))

local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
for i = 1, groups.err and 0 or #groups do
  local group = named(groups[i])
  if group.name == ARGV[1] then
    put('delivered', group['last-delivered-id'])
    put('pending', group.pending)
    put('redisLag', group.lag)
    local waiting = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)[1]
    if waiting then put('oldestWaiting', waiting[1]) end
    local unacked = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
    if unacked then put('oldestPending', unacked) end
  end
end

put('lease', redis.call('GET', KEYS[5]))
put('leaseMs', redis.call('PTTL', KEYS[5]))
put('owner', redis.call('GET', KEYS[6]))
put('full', redis.call('GET', KEYS[9]))
put('dead', redis.call('ZCARD', KEYS[10]))
put('parked', redis.call('ZCARD', KEYS[11]))
put('paused', redis.call('GET', KEYS[12]))
put('pausedMs', redis.call('PTTL', KEYS[12]))
return answer
