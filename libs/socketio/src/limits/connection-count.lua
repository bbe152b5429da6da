#!lua flags=allow-oom
-- Writes a gateway's count of a subject's connections anew, so that one that was lost with its time to live is mended.
--
-- Atomic, because a count without its time to live would stay for ever. Runs when memory is full, as the claim does.
--
-- KEYS 1 counts of the subject by gateway
-- ARGV 1 this gateway  2 count  3 time to live, ms
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
