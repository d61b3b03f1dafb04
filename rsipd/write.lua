-- write.lua - what a gateway did, all of it or nothing: it counts under the newest epoch of its address only
-- ARGV: prefix, who writes, length of the log, Na, how many epochs, each an
-- address and a token, then of each change: kind, address, key, milliseconds that
-- it is kept, record.  Kinds: C registration, D it ended, G grant, F it was freed;
-- d and f: by its host, which is so whoever has the address by now.
local p, by, na, n = ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[5])
local ours = {}
for i = 6, 5 + 2 * n, 2 do
	ours[ARGV[i]] = redis.call('HGET', p .. 'epoch', ARGV[i]) == ARGV[i + 1]
end
local first = 6 + 2 * n
for i = first, #ARGV, 5 do
	local kind = ARGV[i]
	if (kind == 'G' or kind == 'C') and not (ours[ARGV[i + 1]] and ours[na]) then
		return {0, ours[na] and ARGV[i + 1] or na}
	end
end
local entry = {'XADD', p .. 'log', 'MAXLEN', '~', ARGV[3], '*', 'n', 0, 'by', by}
local len, said, told = #entry, {1}, {}
for i = first, #ARGV, 5 do
	local letter, key = ARGV[i], ARGV[i + 2]
	local kind, name = string.upper(letter), p .. key
	local mine = ours[ARGV[i + 1]]
	-- Who lost an address has nothing to say of it any more, and is told so:
	-- what it took for ended goes on.
	if not mine and not told[ARGV[i + 1]] then
		told[ARGV[i + 1]] = true
		said[#said + 1] = ARGV[i + 1]
	end
	if mine or (kind ~= letter and
	    redis.call('HGET', name, 'k') == (kind == 'F' and 'G' or 'C')) then
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
return said
