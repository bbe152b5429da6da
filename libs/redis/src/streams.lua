-- Entry IDs of a stream. Their parts are compared as text, by length and then by digits: exact beyond 2^53.
local function parts(id)
  local dash = string.find(id, '-', 1, true)
  return string.sub(id, 1, dash - 1), string.sub(id, dash + 1)
end

local function below(a, b)
  if a == b then return false end
  -- The milliseconds of our time have 13 digits. Of two such IDs of one length each part has one length, too, and they
  -- are compared as they stand, without the cost of taking them apart.
  if #a == #b and string.byte(a, 14) == 45 and string.byte(b, 14) == 45 then return a < b end
  local aMs, aSeq = parts(a)
  local bMs, bSeq = parts(b)
  if #aMs ~= #bMs then return #aMs < #bMs end
  if aMs ~= bMs then return aMs < bMs end
  if #aSeq ~= #bSeq then return #aSeq < #bSeq end
  return aSeq < bSeq
end

-- A reply of names and values, one after the other, as a table.
local function named(flat)
  local values = {}
  for i = 1, #flat, 2 do values[flat[i]] = flat[i + 1] end
  return values
end

-- The last ID that a stream was given, whatever was trimmed since; '0-0' where there is no stream.
local function lastIdOf(stream)
  if redis.call('EXISTS', stream) == 0 then return '0-0' end
  local info = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

-- What Redis tells of each consumer group of a stream.
local function groupsOf(stream)
  local groups = {}
  for i, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do groups[i] = named(info) end
  return groups
end

-- What it tells of one; nil where the stream has no such group.
local function groupOf(stream, name)
  for _, group in ipairs(groupsOf(stream)) do
    if group.name == name then return group end
  end
end
