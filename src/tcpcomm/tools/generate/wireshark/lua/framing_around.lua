-- Framings that enclose a frame, or stand around another framing.

-- Return the first of these texts that stands at a place, or nil.
local function one_at(s, place, texts)
    for _, text in ipairs(texts) do
        if s:sub(place, place + #text - 1) == text then
            return text
        end
    end
end

function framings.enclosed(rule)
    local trailer = (rule.checksum and rule.checksum.size or 0) + #rule.tail
    local function find_end(s, i)
        while i <= #s do
            local found = one_at(s, i, rule.ends)
            if found then
                return i, found
            elseif rule.escape ~= "" and s:sub(i, i) == rule.escape then
                i = i + 2
            elseif s:sub(i, i + #rule.start - 1) == rule.start then
                return i, rule.start
            else
                i = i + 1
            end
        end
    end
    return function(s, at)
        local place = at
        while place < #s and rule.between:find(s:sub(place + 1, place + 1), 1, true) do
            place = place + 1
        end
        if place > at then
            return {total = place - at, from = 0, size = 0, between = true}
        end
        local alone = one_at(s, at + 1, rule.alone)
        if alone then
            return whole(#alone, 0, #alone)
        elseif s:sub(at + 1, at + #rule.start) ~= rule.start then
            if #s - at < #rule.start and rule.start:sub(1, #s - at) == s:sub(at + 1) then
                return more()
            end
            local found = s:find(rule.start, at + 2, true)
            return bad("a frame must begin with " .. T.hex(rule.start), found and found - 1 - at)
        end
        local first = at + #rule.start + 1
        local stop, mark = find_end(s, first)
        if not stop then
            return more()
        elseif mark == rule.start and not one_at(mark, 1, rule.ends) then
            return bad("a frame was cut short: another one begins in it", stop - 1 - at)
        end
        local after = stop + #mark
        if #s < after - 1 + trailer then
            return more(after - 1 + trailer - #s)
        end
        local sent = s:sub(first, stop - 1)
        local data, fault, faults = sent, nil, {}
        if rule.escape ~= "" then
            data, fault = unescaped(sent, rule.escape, rule.literals)
            faults[#faults + 1] = fault
        end
        if rule.checksum then
            local before, behind = rule.start, mark
            if rule.escape ~= "" and not rule.cover_escapes then
                before, behind = before:sub(-1), behind:sub(-1)
            end
            local counted = (rule.cover_start and before or "")
                .. (rule.cover_escapes and sent or data) .. (rule.cover_end and behind or "")
            local check = s:sub(after, after + rule.checksum.size - 1)
            faults[#faults + 1] = checksum_fault(rule.checksum, counted, check)
        end
        local tail = s:sub(after + trailer - #rule.tail, after + trailer - 1)
        if tail ~= rule.tail then
            faults[#faults + 1] = "a frame must be followed by " .. T.hex(rule.tail) .. ", not by " .. T.hex(tail)
        end
        local total = after - 1 + trailer - at
        local kept = rule.keep_ends and mark or ""
        if data ~= sent then
            return {total = total, data = data .. kept, faults = faults}
        end
        return {total = total, from = #rule.start, size = #sent + #kept, faults = faults}
    end
end

-- Return the payload of a frame.
local function payload(s, at, found)
    return found.data or s:sub(at + found.from + 1, at + found.from + found.size)
end

-- Take bytes off the front and the end of a payload.
local function trimmed(found, front, back)
    if found.data then
        found.data = found.data:sub(front + 1, #found.data - back)
    else
        found.from, found.size = found.from + front, found.size - front - back
    end
    return found
end

function framings.checked(rule)
    local inner = framings[rule.framing.kind](rule.framing)
    return function(s, at)
        local found = inner(s, at)
        if not found.total or found.between then
            return found
        end
        found.faults = found.faults or {}
        local frame, size, tail = payload(s, at, found), rule.checksum.size, #rule.tail
        local place = rule.at or #frame - tail - size
        if place < 0 or place + size > #frame - tail then
            table.insert(found.faults, "the frame is too short for its checksum")
            return found
        end
        local before = ""
        if rule.cover_header and not found.data then
            before = s:sub(at + 1, at + found.from)
        end
        local counted = before .. frame
        local stop = rule.cover_to or (#before + place)
        local received = frame:sub(place + 1, place + size)
        if not (rule.zero_ok and received:find("^%z+$")) then
            local fault = checksum_fault(rule.checksum, counted:sub(rule.cover_from + 1, stop), received)
            table.insert(found.faults, fault)
        end
        if frame:sub(#frame - tail + 1) ~= rule.tail then
            table.insert(found.faults, "the frame must end with " .. T.hex(rule.tail))
        end
        return rule.at and found or trimmed(found, 0, size + tail)
    end
end

framings["hex-text"] = function(rule)
    local inner = framings[rule.framing.kind](rule.framing)
    return function(s, at)
        local found = inner(s, at)
        if not found.total or found.between then
            return found
        end
        local data = T.from_hex(payload(s, at, found))
        if not data then
            found.faults = found.faults or {}
            table.insert(found.faults, "these are not pairs of hexadecimal digits")
            return found
        end
        return {total = found.total, data = data, faults = found.faults}
    end
end

function framings.nested(rule)
    local outer = framings[rule.outer.kind](rule.outer)
    return function(s, at)
        local header, parts, total = nil, {}, 0
        while true do
            if at + total >= #s then
                return more()
            end
            local found = outer(s, at + total)
            if not found.total then
                return found
            end
            local piece = payload(s, at + total, found)
            local mark = rule.mark
            local is_part = #piece >= rule.header and (not mark or piece:byte(mark[1] + 1) == mark[2])
            total = total + found.total
            if not is_part then
                return {total = total, from = total - found.total + found.from, size = found.size}
            end
            parts[#parts + 1] = piece:sub(rule.header + 1)
            if T.band(piece:byte(rule.flag + 1), rule.last) ~= 0 then
                if #parts == 1 then
                    return whole(total, found.from, found.size)
                end
                return {total = total, data = piece:sub(1, rule.header) .. table.concat(parts)}
            end
        end
    end
end

-- Return the size of a Telnet command at a place, or nil if it is not complete.
local function telnet_size(s, place)
    local code = s:byte(place + 1)
    if not code then
        return nil
    elseif code == 250 then
        local _, stop = s:find("\255\240", place, true)
        return stop and stop - place + 1
    elseif code >= 251 and code <= 254 then
        return #s >= place + 2 and 3 or nil
    end
    return 2
end

function framings.telnet(rule)
    local inner = framings[rule.framing.kind](rule.framing)
    return function(s, at)
        if s:byte(at + 1) == 255 and s:byte(at + 2) ~= 255 then
            local size = telnet_size(s, at + 1)
            return size and {total = size, from = 0, size = 0, between = true} or more()
        end
        local found = inner(s, at)
        if found.total and not found.between and payload(s, at, found):find("\255", 1, true) then
            local data = payload(s, at, found):gsub("\255[\251-\254].", ""):gsub("\255\255", "\255")
            return {total = found.total, data = data, faults = found.faults}
        end
        return found
    end
end

function framings.preamble(rule)
    local inner = framings[rule.framing.kind](rule.framing)
    return function(s, at, is_first)
        if is_first and at == 0 then
            if #s < rule.size then
                return more(rule.size - #s)
            elseif not rule.bytes or s:sub(1, rule.size) == rule.bytes then
                return {total = rule.size, from = 0, size = 0, between = true}
            end
        end
        return inner(s, at)
    end
end

framings["modbus-rtu"] = function(rule)
    return function(s, at)
        local code = s:byte(at + 2)
        if not code then
            return more()
        end
        local total = rule.sizes[code]
        if rule.is_reply and code >= 128 then
            total = 5
        end
        if not total and rule.counted[code] then
            local count = s:byte(at + rule.counted[code] + 1)
            if not count then
                return more()
            end
            total = rule.counted[code] + 1 + count + 2
        end
        if not total and rule.is_reply and code == 24 then
            if #s - at < 4 then
                return more()
            end
            total = 6 + T.number(s:sub(at + 3, at + 4))
        elseif not total and rule.is_reply and code == 43 then
            local stop = at + 8
            for _ = 1, s:byte(at + 8) or 0 do
                local size = s:byte(stop + 2)
                if not size then
                    return more()
                end
                stop = stop + 2 + size
            end
            total = #s - at < 8 and 8 or stop - at + 2
        end
        if not total then
            return bad(string.format("a frame with the function %d has no known length", code))
        end
        return known(s, at, total, 0)
    end
end

local crlf_line = framings.delimited({delimiters = {"\r\n"}})
local file_check = {kind = "crc", name = "CRC of the file", width = 2, size = 4, form = "hex", poly = 0x1021,
    init = 0, reflected = false, xorout = 0}

-- Read a file: a line with its size, lines of hexadecimal digits, and a line with their checksum.
local function hex_file(s, at)
    local first = crlf_line(s, at)
    if not first.total then
        return first
    end
    local size, total = tonumber(payload(s, at, first)), first.total
    if not size then
        return bad("the size of a file must be a number")
    end
    local digits = ""
    while true do
        local found = crlf_line(s, at + total)
        if not found.total then
            return found
        end
        local text = payload(s, at + total, found)
        total = total + found.total
        if #text == 4 and (#digits == size or #digits == 2 * size) then
            local fault = checksum_fault(file_check, digits:upper(), text)
            return {total = total, data = T.from_hex(digits) or digits, faults = {fault}}
        elseif #digits > 2 * size then
            return {total = total, data = digits, faults = {"a file has more than its size"}}
        end
        digits = digits .. text
    end
end

-- Return a frame of lines with LF between them, and of a file if there is one.
local function joined_lines(s, at, first, lines, has_file)
    local parts, total, faults = {payload(s, at, first)}, first.total, nil
    for _ = 1, lines do
        local found = crlf_line(s, at + total)
        if not found.total then
            return found
        end
        parts[#parts + 1] = payload(s, at + total, found)
        total = total + found.total
    end
    local data = table.concat(parts, "\n")
    if has_file then
        local file = hex_file(s, at + total)
        if not file.total then
            return file
        end
        total, data, faults = total + file.total, data .. "\r\n" .. file.data, file.faults
    end
    return {total = total, data = data, faults = faults}
end

-- Lines, of which the first may say that others follow it.
framings["status-lines"] = function(rule)
    return function(s, at)
        local prompt = one_at(s, at + 1, rule.prompts)
        if prompt then
            local _, stop = s:find("^[ \r\n]*", at + #prompt + 1)
            return whole(stop - at, 0, #prompt)
        end
        local first = crlf_line(s, at)
        if not first.total or (rule.lines == 0 and not rule.file) or payload(s, at, first) ~= rule.success then
            return first
        end
        return joined_lines(s, at, first, rule.lines, rule.file)
    end
end

-- Lines, of which those that send a file have others behind them.
framings["order-lines"] = function()
    return function(s, at)
        local first = crlf_line(s, at)
        if not first.total then
            return first
        end
        local text = payload(s, at, first)
        local is_named = text == "WF" or text:find("^WJ%d%d?%d?$")
        if is_named or text == "WB" or text == "WI" or text == "WS" then
            return joined_lines(s, at, first, is_named and 1 or 0, true)
        end
        return first
    end
end
