#!lua flags=allow-oom
-- Writes how many connections of a subject a gateway has, and lets the counts live for another while.
--
-- Atomic, because counts without a time to live would stay for ever. Runs when memory is full: it overwrites a small number.
--
-- KEYS 1 counts of the subject by gateway
-- ARGV 1 this gateway  2 its connections  3 time to live, ms
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
