-- begin.lua - whose store this is, and how far its log has come
-- ARGV: prefix, the name that an empty store gets
local p = ARGV[1]
redis.call('SETNX', p .. 'id', ARGV[2])
local last = redis.call('XREVRANGE', p .. 'log', '+', '-', 'COUNT', 1)
return {redis.call('GET', p .. 'id'), redis.call('GET', p .. 'seq') or '0',
    last[1] and last[1][1] or '0-0', redis.call('HGETALL', p .. 'epoch')}
