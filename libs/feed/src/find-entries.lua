#!lua flags=no-writes
-- Looks a name up in the texts of the event index, in the order of KEYS.
--
-- A script, because an hour's text may have a megabyte, of which a few bytes are meant.
--
-- KEYS texts of the index
-- ARGV 1 the name between `;` and `=`, these included  2 most entry IDs to return
-- Returns entry IDs; those of one text latest first
local prefix, most, reply = ARGV[1], tonumber(ARGV[2]), {}
for i = 1, #KEYS do
  local text, found, at = redis.call('GET', KEYS[i]) or '', {}, 1
  while true do
    local from, to = string.find(text, prefix, at, true)
    if not from then break end
    at = to + 1
    found[#found + 1] = string.match(text, '^[^;]*', at)
  end
  for n = #found, 1, -1 do
    reply[#reply + 1] = found[n]
    if #reply == most then return reply end
  end
end
return reply
