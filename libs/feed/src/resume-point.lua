#!lua flags=no-writes
-- Reads everything that decides whether a cursor can be resumed without a gap.
--
-- Atomic, because each fact is judged against the others: a floor read before a trim and a feed read after it would call a
-- lost range whole.
--
-- KEYS 1 epoch  2 floor  3 events  4 feed  5 floor-addressed  6… room indexes
-- ARGV 1 the cursor's entry ID, '' where there is none to judge  2… per room: the ID after which it is the client's to see
-- Returns { epoch, floor, now in ms, last ID of events, last ID of feed, 1 where the cursor's entry exists or 0,
--           ID of the first feed entry after the cursor or '', highest ID cut from one of the rooms or '',
--           highest trimmed ID that was in a room }
-- @include streams

local epoch, floor, events, feed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local cursor = ARGV[1]
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(tonumber(time[2]) / 1000))

local exists, following, cut = 0, '', ''
if cursor ~= '' then
  if #redis.call('XRANGE', feed, cursor, cursor) > 0 or #redis.call('XRANGE', events, cursor, cursor) > 0 then
    exists = 1
  end
  local after = redis.call('XRANGE', feed, '(' .. cursor, '+', 'COUNT', 1)[1]
  if after then following = after[1] end
  for room = 6, #KEYS do
    local first = redis.call('LINDEX', KEYS[room], 0)
    if first and string.sub(first, 1, 1) == '~' then
      local mark = string.sub(first, 2)
      if below(ARGV[room - 4], mark) and (cut == '' or below(cut, mark)) then cut = mark end
    end
  end
end
local trimmed = redis.call('GET', floor) or '0-0'
return {
  redis.call('GET', epoch) or '', trimmed, now, lastIdOf(events), lastIdOf(feed), exists,
  following, cut, redis.call('GET', KEYS[5]) or trimmed,
}
