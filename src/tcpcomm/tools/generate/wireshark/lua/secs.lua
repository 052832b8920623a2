-- Messages of HSMS with items of SECS-II, which say their own types.

local secs = {}

local formats = {
    [0] = "L", [8] = "B", [9] = "BOOLEAN", [16] = "A", [17] = "J", [18] = "C2", [24] = "I8", [25] = "I1",
    [26] = "I2", [28] = "I4", [32] = "F8", [36] = "F4", [40] = "U8", [41] = "U1", [42] = "U2", [44] = "U4",
}

local control = {
    [1] = "Select.req", [2] = "Select.rsp", [3] = "Deselect.req", [4] = "Deselect.rsp", [5] = "Linktest.req",
    [6] = "Linktest.rsp", [7] = "Reject.req", [9] = "Separate.req",
}

-- Return the value of an item, for people, and its numbers.
local function item_value(r, format, at, size)
    local bytes = r.s:sub(at + 1, at + size)
    if format == "A" then
        return T.text(r.tvb(at, size), r.encoding)
    elseif format == "B" or format == "J" or format == "C2" then
        return T.hex(bytes), format == "B" and size == 1 and {bytes:byte()} or nil
    end
    local width = tonumber(format:sub(2)) or 1
    local numbers, texts = {}, {}
    for place = at, at + size - width, width do
        local value
        if format:sub(1, 1) == "F" then
            value = r.tvb(place, width):float()
            texts[#texts + 1] = T.shown(value)
        elseif format == "BOOLEAN" then
            value = r.s:byte(place + 1) ~= 0
            texts[#texts + 1] = tostring(value)
        else
            local signed = format:sub(1, 1) == "I"
            value = T.number(r.s:sub(place + 1, place + width), false, signed)
            texts[#texts + 1] = tostring(signed and r.tvb(place, width):int64() or r.tvb(place, width):uint64())
        end
        numbers[#numbers + 1] = value
    end
    return table.concat(texts, " "), numbers
end

-- Read an item by its form, which names what is in it. Return its node and the place behind it.
local function read_item(r, form, at, depth)
    r.steps = r.steps + 1
    if r.steps > 20000 or depth > 100 then
        T.misfit("the message has too many items to show")
    elseif at >= #r.s then
        T.misfit("an item is missing at byte %d", at)
    end
    local head = r.s:byte(at + 1)
    local width = head % 4
    local format = formats[math.floor(head / 4)]
    if not format or width == 0 then
        T.misfit("no item begins with %02X, at byte %d", head, at)
    end
    local size = T.number(r.s:sub(at + 2, at + 1 + width))
    local from = at + 1 + width
    form = form or {}
    if format == "L" then
        local node = {f = not form.kind and form.f or nil, o = at, kids = {}, record = true, val = {n = size}, title = "L," .. size}
        local after = from
        for i = 1, size do
            local field = form.fields and form.fields[i]
            local inner = field and field.form or form.item
            local kid
            kid, after = read_item(r, inner, after, depth + 1)
            kid.name = field and field.name
            node.kids[i] = kid
            node.val[field and field.name or i] = kid.val
        end
        if form.fields and #form.fields ~= size then
            node.fault = string.format("%d items are declared, and %d came", #form.fields, size)
        end
        node.n = after - at
        return node, after
    end
    if from + size > #r.s then
        T.misfit("an item of %d bytes goes beyond the message, at byte %d", size, at)
    end
    local value, numbers = item_value(r, format, from, size)
    local node = {f = form.f, o = at, n = from + size - at, val = value, suffix = " " .. format}
    if not form.f or form.kind == "text" or not numbers or #numbers ~= 1 then
        node.v = value
        if not form.f or (form.kind ~= "text" and form.kind ~= "bytes") then
            node.f = r.any
        elseif form.kind == "bytes" then
            node.v, node.o, node.n = nil, from, size
        end
    elseif form.kind == "bool" then
        node.v = numbers[1] ~= 0 and numbers[1] ~= false
    elseif form.kind == "int" then
        node.v, node.val = Int64(numbers[1]), numbers[1]
    else
        node.v = numbers[1]
    end
    return node, from + size
end

-- Return the header of a message, its name, and the nodes of the header.
function secs.header(frame, fields)
    local s = frame.s
    if #s < 10 then
        return nil
    end
    local byte2, byte3, ptype, stype = s:byte(3), s:byte(4), s:byte(5), s:byte(6)
    local header = {
        stream = byte2 % 128, func = byte3, wants = byte2 >= 128, ptype = ptype, stype = stype,
        id = T.number(s:sub(7, 10)), status = byte3,
    }
    if stype == 0 then
        header.name = string.format("S%dF%d", header.stream, header.func)
    else
        header.name = control[stype] or string.format("a message of SType %d", stype)
    end
    local nodes = {
        {f = fields.session, o = 0, n = 2, quiet = true},
        {f = fields.name, o = 2, n = 2, v = header.name, quiet = true},
        {f = fields.ptype, o = 4, n = 1, quiet = true},
        {f = fields.stype, o = 5, n = 1, quiet = true},
        {f = fields.id, o = 6, n = 4, quiet = true},
    }
    if stype == 0 then
        table.insert(nodes, 2, {f = fields.wbit, o = 2, n = 1, quiet = true})
        table.insert(nodes, 3, {f = fields.stream, o = 2, n = 1, quiet = true})
        table.insert(nodes, 4, {f = fields.func, o = 3, n = 1, quiet = true})
    elseif stype == 2 or stype == 4 or stype == 7 then
        table.insert(nodes, {f = fields.status, o = 3, n = 1, name = "status", val = byte3})
    end
    return header, nodes
end

-- Read the item of a message by its declared form. Return what is to be shown.
function secs.message(frame, rules, nodes, form)
    local found = {nodes = nodes, values = {}, params = {}, faults = {}}
    if #frame.s == 10 then
        return found
    end
    local r = {s = frame.s, tvb = frame.tvb, encoding = rules.encoding, steps = 0, any = rules.fields.item}
    local body, after = T.try(read_item, r, form, 10, 0)
    if not body then
        found.faults[1] = after
        return found
    end
    if after < #frame.s then
        found.faults[1] = string.format("%d bytes are left over", #frame.s - after)
    end
    if form and form.name then
        body.name = form.name
    end
    found.nodes[#found.nodes + 1] = body
    return found
end

local replies = {[2] = "Select.req", [4] = "Deselect.req", [6] = "Linktest.req"}

-- Return what a frame from a sender is, as identify() does for other codecs.
local function secs_identify(frame, sender, conversation, known)
    local header, nodes = secs.header(frame, D.secs.fields)
    if not header then
        return nil
    end
    local request = known
    local is_reply = header.stype == 0 and header.func % 2 == 0 or header.stype == 7 or replies[header.stype]
    if request == nil and (is_reply or header.stream == 9) then
        for _, each in ipairs(waiting(conversation, sender)) do
            if each.id == header.id then
                request = each
            end
        end
    end
    request = request or nil
    local name = header.name
    if is_reply and header.stype == 0 then
        name = string.format("S%dF%d", header.stream, header.func - 1)
    elseif is_reply then
        name = replies[header.stype] or name
    end
    local declared = D.secs.messages[sender == "host" and not is_reply and "equipment"
        or sender == "equipment" and is_reply and "equipment" or "host"]
    local message = declared[name] or {name = header.name}
    if is_reply then
        local is_fault = header.stype == 7 or (header.stype == 0 and header.func == 0)
            or ((header.stype == 2 or header.stype == 4) and header.status ~= 0)
        local found = secs.message(frame, D.secs, nodes, not is_fault and message.result or nil)
        found.values.id = header.id
        found.words = is_fault and D.secs.words[header.name] or nil
        return {found = found, kind = is_fault and "fault" or "reply", request = request, complete = true,
            message = request and request.message or message}
    end
    local found = secs.message(frame, D.secs, nodes, message.form)
    found.values.id = header.id
    if header.stream == 9 and header.stype == 0 then
        found.words = D.secs.words[header.name]
        return {found = found, kind = "fault", request = request, complete = request ~= nil,
            message = {name = header.name}}
    end
    local expects = header.wants or (header.stype ~= 0 and header.stype ~= 9)
    local asked = {name = message.name, reply = expects and {forms = {}} or nil, result = message.result}
    return {found = found, kind = message.is_event and "event" or "request", message = asked, expects = expects}
end
