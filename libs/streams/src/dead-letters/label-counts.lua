#!lua flags=no-writes
-- Counts a partition's dead letters by their labels, which stand together in the index: a step from label to label, never from
-- dead letter to dead letter.
--
-- Atomic, because the counts of one call must be of one moment. Short: a call goes through so many labels at most.
--
-- KEYS 1 dead-index  2 dead-order
-- ARGV 1 beginning of the labels that are meant ('' for all)  2 the label behind which to begin ('' at the first)
--      3, 4 the first and the last time of a failure that are meant, 16 digits each  5 most labels
-- Returns { 1 where no label is left or 0, dead letters that there are, those of them that have a label, then for each label: label, count, the first and the last member of the index ('' where the count is 0) }
local index, prefix, after, since, till, most = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
-- `!` is what comes behind a space: `[x!` is behind everything that begins with `x `.
local from = after == '' and (prefix == '' and '-' or '[' .. prefix) or '[' .. after .. '!'
local to = prefix == '' and '+' or '(' .. string.sub(prefix, 1, -2) .. '!'
local allTimes = tonumber(since) == 0
local reply = { 0, redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', index) }
for _ = 1, most do
  local member = redis.call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, 1)[1]
  if not member then
    reply[1] = 1
    break
  end
  local label = string.match(member, '^(%S+ %S+ %S+ %S+) ')
  if label then
    local first, last = '[' .. label .. ' ' .. since, '(' .. label .. ' ' .. till .. '!'
    local count = redis.call('ZLEXCOUNT', index, first, last)
    reply[#reply + 1] = label
    reply[#reply + 1] = count
    -- Without a first time, the label's first member is the one that was found.
    if allTimes then reply[#reply + 1] = member
    else reply[#reply + 1] = count > 0 and redis.call('ZRANGEBYLEX', index, first, last, 'LIMIT', 0, 1)[1] or '' end
    reply[#reply + 1] = count > 0 and redis.call('ZREVRANGEBYLEX', index, last, first, 'LIMIT', 0, 1)[1] or ''
    from = '[' .. label .. '!'
  else
    -- Nothing that this project writes.
    from = '(' .. member
  end
end
return reply
