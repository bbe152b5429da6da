#!lua flags=no-writes
-- Reads the members of a group that is not larger than it may be to be written out.
--
-- Atomic, because the size decides whether the members are read at all: a group of a million must not be.
--
-- KEYS 1 the group's members
-- ARGV 1 most members
-- Returns { size, members… }, the size alone where there are more
local size = redis.call('SCARD', KEYS[1])
if size > tonumber(ARGV[1]) then return { size } end
return { size, unpack(redis.call('SMEMBERS', KEYS[1])) }
