#!lua flags=allow-oom
-- Makes the current generation of seen digests the previous one once it is old enough, and drops the one before. So a
-- digest is kept for at least one period after its event, and for about two.
--
-- Atomic, because a publisher that looked at one generation before and at the other after would miss a digest. The
-- generations carry their own times, in fields no digest can have (`since`, `until`: digests have 22 characters), because a
-- new owner must go on where the last one was.
--
-- KEYS 1 lease  2 seen  3 seen-before
-- ARGV 1 fencing token  2 period, ms
-- Returns 1 where the generations changed, else 0
-- Errors  FENCED  the token is not the lease's
local lease, seen, seenBefore = KEYS[1], KEYS[2], KEYS[3]
local token, period = ARGV[1], tonumber(ARGV[2])

if redis.call('GET', lease) ~= token then
  return redis.error_reply('FENCED the lease is not held with this token')
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local stamp = string.format('%.0f', now)
-- A time in the future was written before Redis' clock was set back.
local function isOver(from)
  return from + period <= now or from > now + period
end

local ended = tonumber(redis.call('HGET', seenBefore, 'until') or '')
if ended and isOver(ended) then redis.call('UNLINK', seenBefore) end
if redis.call('EXISTS', seen) == 0 then return 0 end
local since = tonumber(redis.call('HGET', seen, 'since') or '')
if not since then
  redis.call('HSET', seen, 'since', stamp)
  return 0
end
if not isOver(since) then return 0 end
redis.call('UNLINK', seenBefore)
redis.call('RENAME', seen, seenBefore)
redis.call('HSET', seenBefore, 'until', stamp)
return 1
