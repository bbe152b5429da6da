-- Type and client event of a feed entry; nil where it has none.
local function typeAndEvent(entry)
  local fields, kind, event = entry[2], nil, nil
  for i = 1, #fields, 2 do
    if fields[i] == 'route' then
      kind = string.match(fields[i + 1], '^%S+ %S+ (%S+)')
    elseif fields[i] == 'event' then
      event = fields[i + 1]
    end
  end
  return kind, event
end
