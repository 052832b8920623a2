-- Framings: each returns a function that cuts the next frame out of a string of bytes.
--
-- The function gets the bytes and the offset where a frame begins, from 0 on. It returns a table:
--     total: the bytes of the frame on the wire; from and size: the place of the payload in them
--     data: the payload, if it is not in the bytes as it stands (it was escaped, for example)
--     faults: words about what is wrong with it
--     more: the bytes that are missing, 0 if nobody knows, and nothing else
--     bad: words that say why no frame begins there; skip: the bytes up to the next place to try

local framings = {}

local function whole(total, from, size)
    return {total = total, from = from, size = size}
end

local function more(missing)
    return {more = missing or 0}
end

local function bad(text, skip)
    return {bad = text, skip = skip}
end

local function known(s, at, total, from)
    if #s - at < total then
        return more(total - (#s - at))
    end
    return whole(total, from, total - from)
end

function framings.segment()
    return function(s, at)
        return whole(#s - at, 0, #s - at)
    end
end

function framings.lines()
    return function(s, at)
        local stop = s:find("[\r\n]", at + 1)
        if not stop then
            return more()
        end
        local both = s:sub(stop, stop + 1) == "\r\n" and 2 or 1
        return whole(stop - 1 + both - at, 0, stop - 1 - at)
    end
end

function framings.delimited(rule)
    return function(s, at)
        local from, to
        for _, delimiter in ipairs(rule.delimiters) do
            local a, b = s:find(delimiter, at + 1, true)
            if a and (not to or b < to or (b == to and a < from)) then
                from, to = a, b
            end
        end
        if not to then
            return more()
        end
        return whole(to - at, 0, rule.keep_ends and to - at or from - 1 - at)
    end
end

function framings.fixed(rule)
    return function(s, at)
        return known(s, at, rule.size, 0)
    end
end

function framings.length(rule)
    local header = rule.offset + rule.width
    return function(s, at)
        local sync = rule.sync
        if s:sub(at + 1, at + math.min(#sync, #s - at)) ~= sync:sub(1, #s - at) then
            local found = s:find(sync, at + 2, true)
            return bad("a frame must begin with " .. T.hex(sync), found and found - 1 - at)
        end
        if #s - at < header then
            return more()
        end
        local field = s:sub(at + rule.offset + 1, at + header)
        local value
        if rule.form == "decimal" or rule.form == "hex" then
            value = tonumber(field, rule.form == "hex" and 16 or 10)
            if not value or field:find("[^%x]") then
                return bad("the length must be " .. rule.width .. " digits, not " .. T.visible(field))
            end
        else
            value = T.number(field, rule.form == "little")
        end
        local total = value + rule.adjust + header
        if total < header or total - rule.strip > rule.max_frame then
            return bad(string.format("the header announces a frame of %.0f bytes", total))
        end
        return known(s, at, total, rule.strip)
    end
end

local function varint(s, at)
    local value, place = 0, 1
    for i = 1, 10 do
        local byte = s:byte(at + i)
        if not byte then
            return nil
        end
        value, place = value + byte % 128 * place, place * 128
        if byte < 128 then
            return value, i
        end
    end
    return false
end

local function ber(s, at)
    local first = s:byte(at + 1)
    if not first then
        return nil
    elseif first < 128 then
        return first, 1
    elseif first == 128 or first > 136 then
        return false
    elseif #s - at < first - 127 then
        return nil
    end
    return T.number(s:sub(at + 2, at + first - 127)), first - 127
end

local function digits(rule)
    return function(s, at)
        local from, to = s:find(rule["end"], at + 1, true)
        if not from then
            if #s - at > 20 or s:sub(at + 1, at + 1):find("[^%x]") then
                return false
            end
            return nil
        end
        local text = s:sub(at + 1, from - 1)
        if not text:find("^%x+$") then
            return false
        end
        return tonumber(text, rule.form == "hex" and 16 or 10) or false, to - at
    end
end

function framings.variable(rule)
    local read = rule.form == "varint" and varint or rule.form == "ber" and ber or digits(rule)
    return function(s, at)
        local value, width = read(s, at + rule.offset)
        if value == false then
            return bad("no length stands there")
        elseif not value then
            return more()
        end
        local header = rule.offset + width
        local total = header + value + rule.adjust
        if total < header or total > rule.max_frame + header then
            return bad(string.format("the header announces a frame of %.0f bytes", total))
        end
        return known(s, at, total, rule.offset > 0 and 0 or header)
    end
end

framings["content-length"] = function(rule)
    return function(s, at)
        local line, length = at + 1, nil
        while true do
            local stop = s:find("\n", line, true)
            if not stop then
                if #s - at > rule.max_header then
                    return bad("the header lines do not end")
                end
                return more()
            end
            local text = s:sub(line, stop - 1):gsub("\r$", "")
            line = stop + 1
            if text == "" then
                break
            end
            local name, value = text:match("^([%w%p]-)[ \t]*:[ \t]*(.-)[ \t]*$")
            if not name then
                return bad(T.visible(text) .. " is not a header line such as Content-Length: 5")
            elseif name:lower() == "content-length" then
                length = tonumber(value)
            end
        end
        if not length then
            return bad("the header lines have no Content-Length")
        end
        return known(s, at, line - 1 - at + length, line - 1 - at)
    end
end

-- Return the count in a line that fits a head, or nil.
local function count_in(head, line)
    local at, count = 1, nil
    for i, part in ipairs(head) do
        local following = head[i + 1]
        if part.text then
            if line:sub(at, at + #part.text - 1) ~= part.text then
                return nil
            end
            at = at + #part.text
        elseif part.count then
            local found = line:match(part.count == 16 and "^%x+" or "^%d+", at)
            if not found then
                return nil
            end
            count, at = tonumber(found, part.count), at + #found
        else
            at = following and line:find(following.text:sub(1, 1), at, true) or #line + 1
        end
    end
    return at == #line + 1 and count or nil
end

framings["counted-body"] = function(rule)
    return function(s, at)
        local from, to = s:find(rule["end"], at + 1, true)
        if not from then
            return more()
        end
        local line = s:sub(at + 1, from - 1)
        for _, head in ipairs(rule.heads) do
            local count = count_in(head, line)
            if count then
                local total = to - at + count + #rule.tail
                local found = known(s, at, total, 0)
                if found.size then
                    found.size = found.size - #rule.tail
                end
                return found
            end
        end
        return whole(to - at, 0, from - 1 - at)
    end
end

-- Return the offset behind bytes that may stand between documents.
local function behind_blanks(s, at, between)
    while at < #s and between:find(s:sub(at + 1, at + 1), 1, true) do
        at = at + 1
    end
    return at
end

function framings.json(rule)
    return function(s, at)
        local start = behind_blanks(s, at, rule.between)
        if start == #s then
            return start > at and whole(start - at, start - at, 0) or more()
        elseif not s:find("^[{%[]", start + 1) then
            local found = s:find("[{%[]", start + 2)
            return bad("a JSON value must begin with { or [", found and found - 1 - at)
        end
        local depth, i = 0, start + 1
        while true do
            local from = s:find('[{}%[%]"]', i)
            if not from then
                return more()
            end
            local c = s:sub(from, from)
            i = from + 1
            if c == '"' then
                repeat
                    local stop = s:find('["\\]', i)
                    if not stop then
                        return more()
                    end
                    c = s:sub(stop, stop)
                    i = stop + (c == "\\" and 2 or 1)
                until c == '"'
            elseif c == "{" or c == "[" then
                depth = depth + 1
            else
                depth = depth - 1
                if depth == 0 then
                    return whole(from - at, start - at, from - start)
                end
            end
        end
    end
end

function framings.xml(rule)
    local ends = {["?"] = "?>", ["!--"] = "-->", ["![CDATA["] = "]]>"}
    return function(s, at)
        local start = behind_blanks(s, at, rule.between)
        if start == #s then
            return start > at and whole(start - at, start - at, 0) or more()
        elseif s:sub(start + 1, start + 1) ~= "<" then
            local found = s:find("<", start + 2, true)
            return bad("an XML document must begin with <", found and found - 1 - at)
        end
        local depth, i = 0, start + 1
        while true do
            local from = s:find("<", i, true)
            if not from then
                return more()
            end
            local special
            for begin, stop in pairs(ends) do
                if s:sub(from + 1, from + #begin) == begin then
                    special = stop
                end
            end
            local to
            if special then
                _, to = s:find(special, from, true)
            else
                local j = from + 1
                while true do
                    local mark = s:find("[>\"']", j)
                    if not mark then
                        return more()
                    end
                    local c = s:sub(mark, mark)
                    if c == ">" then
                        to = mark
                        break
                    end
                    j = s:find(c, mark + 1, true)
                    if not j then
                        return more()
                    end
                    j = j + 1
                end
                if s:sub(from + 1, from + 1) == "/" then
                    depth = depth - 1
                elseif s:sub(to - 1, to - 1) ~= "/" then
                    depth = depth + 1
                end
                if depth <= 0 then
                    return whole(to - at, start - at, to - start)
                end
            end
            if not to then
                return more()
            end
            i = to + 1
        end
    end
end

function framings.netstring()
    return function(s, at)
        local text = s:match("^(%d+):", at + 1)
        if not text then
            if s:find("^%d*$", at + 1) then
                return more()
            end
            return bad("a netstring must begin with its length and a colon")
        end
        local from = #text + 1
        local found = known(s, at, from + tonumber(text) + 1, from)
        if found.size then
            found.size = found.size - 1
            if s:sub(at + found.total, at + found.total) ~= "," then
                return bad("a netstring must be followed by a comma")
            end
        end
        return found
    end
end

function framings.cobs()
    return function(s, at)
        local stop = s:find("\0", at + 1, true)
        if not stop then
            return more()
        elseif stop == at + 1 then
            return whole(1, 0, 0)
        end
        local parts, i = {}, at + 1
        while i < stop do
            local code = s:byte(i)
            if i + code > stop then
                return {total = stop - at, from = 0, size = 0, faults = {"a COBS block goes beyond its frame"}}
            end
            parts[#parts + 1] = s:sub(i + 1, i + code - 1)
            i = i + code
            if code < 255 and i < stop then
                parts[#parts + 1] = "\0"
            end
        end
        return {total = stop - at, data = table.concat(parts)}
    end
end

-- Return the bytes without escapes, and words if a byte cannot follow the escape byte.
local function unescaped(body, escape, literals)
    local fault
    local parts, i = {}, 1
    while i <= #body do
        local c = body:sub(i, i)
        if c == escape then
            local code = body:byte(i + 1)
            local literal = code and literals[code]
            if not literal then
                fault = "an escape byte is followed by " .. (code and string.format("%02X", code) or "nothing")
            end
            parts[#parts + 1] = literal and string.char(literal) or ""
            i = i + 2
        else
            parts[#parts + 1] = c
            i = i + 1
        end
    end
    return table.concat(parts), fault
end

function framings.stuffed(rule)
    return function(s, at)
        local stop = s:find(rule["end"], at + 1, true)
        if not stop then
            return more()
        elseif stop == at + 1 then
            return whole(1, 0, 0)
        end
        local body = s:sub(at + 1, stop - 1)
        if not body:find(rule.escape, 1, true) then
            return whole(stop - at, 0, #body)
        end
        local data, fault = unescaped(body, rule.escape, rule.literals)
        return {total = stop - at, data = data, faults = {fault}}
    end
end

function framings.dle(rule)
    local begin = rule.escape .. rule.start
    return function(s, at)
        if s:sub(at + 1, at + #begin) ~= begin then
            if #s - at < #begin and begin:sub(1, #s - at) == s:sub(at + 1) then
                return more()
            end
            local found = s:find(begin, at + 2, true)
            return bad("a frame must begin with " .. T.hex(begin), found and found - 1 - at)
        end
        local i = at + #begin + 1
        local first = i
        while true do
            local place = s:find(rule.escape, i, true)
            if not place or place == #s then
                return more()
            end
            local code = s:sub(place + 1, place + 1)
            if code == rule.escape then
                i = place + 2
            elseif code == rule["end"] then
                local body = s:sub(first, place - 1)
                local data = {}
                local from = 1
                while true do  -- each pair of escapes is one
                    local double = body:find(rule.escape .. rule.escape, from, true)
                    if not double then
                        break
                    end
                    data[#data + 1] = body:sub(from, double)
                    from = double + 2
                end
                data[#data + 1] = body:sub(from)
                if #data == 1 then
                    return whole(place + 1 - at, first - 1 - at, #body)
                end
                return {total = place + 1 - at, data = table.concat(data)}
            else
                return bad("a frame was cut short: another one begins in it", place - 1 - at)
            end
        end
    end
end

function framings.definite(rule)
    return function(s, at)
        local i, quote, opens = at + 1, nil, true
        while i <= #s do
            if s:sub(i, i + #rule.terminator - 1) == rule.terminator then
                return whole(i - 1 - at + #rule.terminator, 0, i - 1 - at)
            end
            local c = s:sub(i, i)
            if quote then
                quote = c ~= quote and quote or nil
                i = i + 1
            elseif opens and (c == '"' or c == "'") then
                quote, opens, i = c, false, i + 1
            elseif opens and c == "#" and s:find("^[1-9]", i + 1) then
                local width = tonumber(s:sub(i + 1, i + 1))
                local size = s:sub(i + 2, i + 1 + width)
                if #size < width then
                    return more()
                elseif not size:find("^%d+$") then
                    i, opens = i + 1, false
                else
                    i, opens = i + 2 + width + tonumber(size), false
                    if i - 1 > #s then
                        return more(i - 1 - #s)
                    end
                end
            else
                opens = c:find("[ \t,;:]") ~= nil
                i = i + 1
            end
        end
        return more()
    end
end
