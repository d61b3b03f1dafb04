-- write.lua - what a gateway did, all of it or nothing: grants count under the newest epoch of their address only
-- ARGV: prefix, who writes, length of the log, Na, how many epochs, each an
-- address and a token, then of each change: kind, address, key, milliseconds that
-- it is kept, record.  Kinds: C registration, D it ended, G grant, F it was freed.
local p, by, na, n = ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[5])
local ours = {}
for i = 6, 5 + 2 * n, 2 do
	ours[ARGV[i]] = redis.call('HGET', p .. 'epoch', ARGV[i]) == ARGV[i + 1]
end
local first = 6 + 2 * n
for i = first, #ARGV, 5 do
	if ARGV[i] == 'G' and not (ours[ARGV[i + 1]] and ours[na]) then
		return {0, ours[na] and ARGV[i + 1] or na}
	end
end
local entry = {'XADD', p .. 'log', 'MAXLEN', '~', ARGV[3], '*', 'n', 0, 'by', by}
local len = #entry
for i = first, #ARGV, 5 do
	local kind, key = ARGV[i], ARGV[i + 2]
	-- Who lost an address has nothing to say of it any more.
	if ours[ARGV[i + 1]] then
		local name = p .. key
		if kind == 'D' then
			redis.call('DEL', name)
		else
			if kind == 'F' then
				redis.call('HSET', name, 'k', 'F', 'h', ARGV[i + 4])
			else
				redis.call('HSET', name, 'k', kind, 'r', ARGV[i + 4])
			end
			redis.call('PEXPIRE', name, ARGV[i + 3])
		end
		entry[len + 1] = kind .. key
		entry[len + 2] = ARGV[i + 4]
		len = len + 2
	end
end
if len > 10 then
	entry[8] = redis.call('INCR', p .. 'seq')
	redis.call(unpack(entry))
end
return {1}
