-- Binary messages: a header, and a body by its layout. Reading makes nodes, which are rendered later:
--     f: the number of the field, or nil; o, n: its place; v: its value if the bytes do not show it
--     le: the bytes are in little endian; val: its value, for lengths and for the summary; kids: what is in it

local binary = {}
local content = {}  -- functions that read a value without its size, by the type of its form

local function need(r, at, size, stop)
    if at + size > stop or size < 0 then
        T.misfit("%d bytes are needed at byte %d, and %d are left", size, at, math.max(0, stop - at))
    end
end

local function fixed_pad(form)
    for _, size in ipairs(form.sizes or {}) do
        if size.fixed and not size.count then
            return size.pad or ""
        end
    end
end

-- Return the bytes of a form that always has the same size.
local function size_of(form)
    local kind = form.type
    for _, size in ipairs(form.sizes or {}) do
        if kind == "list" then
            return (size.count and size_of(size.count) or 0) + size.fixed * size_of(form.item)
        elseif kind == "bit list" then
            return (size.count and size_of(size.count) or 0) + math.ceil(size.fixed * form.bits / 8)
        end
        return size.fixed + (size.count and size_of(size.count) or 0)
    end
    if kind == "int" or kind == "float" or kind == "skip" then
        return form.bytes * (form.order == "hex" and 2 or 1)
    elseif kind == "constant" then
        return #form.bytes
    elseif kind == "record" or kind == "around" then
        local sum = 0
        for _, each in ipairs(form.fields) do
            sum = sum + size_of(each.form)
        end
        return sum
    elseif kind == "side by side" then
        local sum = 0
        for _, each in ipairs(form.parts) do
            sum = sum + size_of(each)
        end
        return sum
    end
    return size_of(form["in"])
end

-- Return the value that a field before this one tells, or a parameter of the request.
local function told(r, rule, scope)
    local value = rule.of == "request" and (r.request or {}) or scope
    for name in rule.by:gmatch("[^.]+") do
        value = type(value) == "table" and value[name] or nil
    end
    if type(value) == "table" and value.n then  -- the number of items of a list
        value = value.n
    end
    return value
end

local function read_count(r, size, at, stop, scope, kids)
    if size.by then
        local value = told(r, size, scope)
        if value == nil and size.of == "request" then
            return nil, at
        elseif type(value) ~= "number" then
            T.misfit("a size is in %s, which is not known", size.by)
        end
        return value, at
    elseif size.count.type == "int in tag" then
        need(r, at, r.size_in_tag, stop)
        return T.number(r.s:sub(at + 1, at + r.size_in_tag), size.count.order == "little"), at + r.size_in_tag
    end
    local node, after = binary.read(r, size.count, at, stop, {})
    kids[#kids + 1] = node
    return node.val, after
end

-- Read a value. Return its node and the place behind it.
function binary.read(r, form, at, stop, scope)
    r.steps = r.steps + 1
    if r.steps > 100000 then
        T.misfit("the message has too many values to show")
    end
    if form.type == "ref" then
        form = r.names[form.to]
    end
    local items, limit, behind, rest = nil, stop, nil, false
    local begin, counts = at, {}
    for _, size in ipairs(form.sizes or {}) do
        if size["until"] then
            return binary.read_until(r, form, size, at, stop)
        elseif size.rest then
            behind, rest = stop, true
        elseif size.fixed and not size.count then
            if form.type == "list" or form.type == "bit list" then
                items = size.fixed
            else
                need(r, at, size.fixed, stop)
                limit, behind = at + size.fixed, at + size.fixed
            end
        else
            local number
            number, at = read_count(r, size, at, stop, scope, counts)
            local length = number and (number - (size.adjust or 0)) * (size.step or 1)
            if size.fixed then
                local room = size.fixed
                if form.type == "list" then
                    room = room * size_of(form.item)
                elseif form.type == "bit list" then
                    room = math.ceil(room * form.bits / 8)
                end
                need(r, at, room, stop)
                behind = at + room
            end
            if not length then
                rest = true  -- the request is not in the capture: the bytes that are left tell it
            elseif size["in"] == "items" then
                items = length
            else
                need(r, at, length, stop)
                limit = at + length
                behind = (not behind or not size.fixed) and limit or behind
            end
        end
    end
    local node, after = content[form.type](r, form, at, limit, items, scope)
    if form.aligned then
        after = after + (-(after - at)) % form.aligned
        need(r, at, after - at, stop)
    elseif behind and not rest then
        after = behind
    elseif behind and form.type ~= "list" then
        after = math.max(after, behind)
    end
    if #counts > 0 then
        node.before = counts
    end
    node.whole = {begin, after - begin}
    return node, after
end

function binary.read_until(r, form, size, at, stop)
    local mark, start = size["until"], at
    if form.type == "list" then
        local kids, values = {}, {n = 0}
        while r.s:sub(at + 1, at + #mark) ~= mark do
            need(r, at, 1, stop)
            kids[#kids + 1], at = binary.read(r, form.item, at, stop, {})
            values.n = values.n + 1
        end
        local after = at + #mark
        after = after + (-(after - start)) % (form.aligned or 1)
        return {kids = kids, flat = true, o = start, n = after - start, val = values}, after
    end
    local step = form.unit or 1
    local place = r.s:find(mark, at + 1, true)
    while place and (place - 1 - at) % step ~= 0 do
        place = r.s:find(mark, place + 1, true)
    end
    if not place or place - 1 + #mark > stop then
        T.misfit("the end mark %s is missing", T.hex(mark))
    end
    local plain = {f = form.f, type = form.type, encoding = form.encoding, unit = form.unit}
    local node = content[form.type](r, plain, at, place - 1)
    local after = place - 1 + #mark
    return node, after + (-(after - start)) % (form.aligned or 1)
end

function content.int(r, form, at, stop)
    local size = form.bytes
    if form.order == "hex" then
        need(r, at, 2 * size, stop)
        local bytes = T.from_hex(r.s:sub(at + 1, at + 2 * size))
        if not bytes then
            T.misfit("%s are not hexadecimal digits", T.visible(r.s:sub(at + 1, at + 2 * size)))
        end
        local value = T.number(bytes, false, form.signed)
        local given = value
        if size > 4 then
            given = (form.signed and Int64 or UInt64).new(
                T.number(bytes:sub(-4)), T.number(bytes:sub(1, -5), false))
        end
        return {f = form.f, o = at, n = 2 * size, v = given, val = value}, at + 2 * size
    end
    need(r, at, size, stop)
    local little = form.order == "little"
    local value = T.number(r.s:sub(at + 1, at + size), little, form.signed)
    local node = {f = form.f, o = at, n = size, le = little, val = value}
    if form.signed and size == 3 then
        node.v = value
    elseif size > 6 then  -- more than a number of Lua holds
        local range = r.tvb(at, size)
        if form.signed then
            node.words = tostring(little and range:le_int64() or range:int64())
        else
            node.words = tostring(little and range:le_uint64() or range:uint64())
        end
    end
    return node, at + size
end

content["float"] = function(r, form, at, stop)
    local size = form.bytes
    if form.order == "hex" then
        need(r, at, 2 * size, stop)
        local bytes = T.from_hex(r.s:sub(at + 1, at + 2 * size))
        if not bytes then
            T.misfit("%s are not hexadecimal digits", T.visible(r.s:sub(at + 1, at + 2 * size)))
        end
        local value = T.tvb(bytes, "a number"):range():float()
        return {f = form.f, o = at, n = 2 * size, v = value, val = value}, at + 2 * size
    end
    need(r, at, size, stop)
    local range = r.tvb(at, size)
    local value = form.order == "little" and range:le_float() or range:float()
    return {f = form.f, o = at, n = size, le = form.order == "little", val = value}, at + size
end

-- Read a number that stands for something else.
local function carried(r, form, at, stop)
    local node, after = content[form["in"].type](r, form["in"], at, stop)
    node.f = form.f
    return node, after
end

function content.bool(r, form, at, stop)
    local node, after = carried(r, form, at, stop)
    if node.val ~= 0 and node.val ~= 1 then
        T.misfit("%s is neither 0 nor 1", T.shown(node.val))
    end
    node.val = node.val ~= 0
    node.v = node.val
    return node, after
end

function content.choice(r, form, at, stop)
    local node, after = carried(r, form, at, stop)
    node.label = form.labels[node.val]
    if not node.label then
        node.fault = T.shown(node.val) .. " is none of the declared values"
    end
    return node, after
end

function content.flags(r, form, at, stop)
    local node, after = carried(r, form, at, stop)
    node.kids = {}
    for i, flag in ipairs(form.flags or {}) do
        node.kids[i] = {f = flag, o = at, n = node.n, le = node.le, v = node.v, quiet = true}
    end
    return node, after
end

function content.bits(r, form, at, stop)
    local node, after = carried(r, form, at, stop)
    local number, values = node.val, {}
    node.kids = {}
    for i, part in ipairs(form.parts) do
        local value = math.floor(number / 2 ^ part.shift) % 2 ^ part.width
        if part.signed and value >= 2 ^ (part.width - 1) then
            value = value - 2 ^ part.width
        end
        local kid = {f = part.f, o = at, n = node.n, le = node.le, v = node.v, val = value, name = part.name}
        if part.given then  -- a number of so many bits that its mask cannot be told
            kid.v = part.is_bool and value ~= 0 or value
        end
        if part.is_bool then
            kid.val = value ~= 0
        end
        kid.label = part.labels and part.labels[value]
        node.kids[i], values[part.name] = kid, kid.val
    end
    node.val = values
    return node, after
end

content["side by side"] = function(r, form, at, stop)
    local kids, value = {}, 0
    local begin = at
    for i, part in ipairs(form.parts) do
        kids[i], at = content.int(r, part, at, stop)
        value = value * 256 ^ part.bytes + kids[i].val
        kids[i].quiet = true
    end
    return {f = form.f, o = begin, n = at - begin, v = value, val = value, kids = kids}, at
end

function content.wish(r, form, at, stop)
    local node, after = carried(r, form, at, stop)
    if node.val ~= form.yes and node.val ~= form.no then
        T.misfit("%s says neither yes nor no", T.shown(node.val))
    end
    node.val = node.val == form.yes
    node.v = node.val
    return node, after
end

function content.text(r, form, at, stop)
    local from, to = at, stop
    local pad = fixed_pad(form)
    local bytes, unit = r.s:sub(from + 1, to), form.unit or 1
    if pad and pad:find("^%z+$") then
        local mark = ("\0"):rep(unit)
        local zero = bytes:find(mark, 1, true)
        while zero and (zero - 1) % unit ~= 0 do
            zero = bytes:find(mark, zero + 1, true)
        end
        to = zero and from + zero - 1 or to
    elseif pad and pad ~= "" then
        while to - from >= #pad and r.s:sub(to - #pad + 1, to) == pad do
            to = to - #pad
        end
    end
    return {f = form.f, o = from, n = to - from, text = form.encoding}, stop
end

function content.bytes(r, form, at, stop)
    return {f = form.f, o = at, n = stop - at, val = T.hex(r.s:sub(at + 1, stop))}, stop
end

function content.constant(r, form, at, stop)
    need(r, at, #form.bytes, stop)
    local found = r.s:sub(at + 1, at + #form.bytes)
    local node = {f = form.f, o = at, n = #form.bytes, quiet = true}
    if found ~= form.bytes then
        node.fault = T.hex(found) .. " stands in place of " .. T.hex(form.bytes)
    end
    return node, at + #form.bytes
end

function content.skip(r, form, at, stop)
    need(r, at, form.bytes, stop)
    return {f = form.f, o = at, n = form.bytes, quiet = true}, at + form.bytes
end

function content.nothing(r, form, at)
    return {o = at, n = 0, quiet = true}, at
end

function content.list(r, form, at, stop, items)
    local kids, values, begin = {}, {n = 0}, at
    while (items and values.n < items) or (not items and at < stop) do
        local node, after = binary.read(r, form.item, at, stop, {})
        if after == at and not items then
            T.misfit("an item has no bytes")
        end
        values.n = values.n + 1
        kids[values.n], values[values.n], at = node, node.val, after
    end
    return {kids = kids, flat = true, o = begin, n = at - begin, val = values}, at
end

content["bit list"] = function(r, form, at, stop, items)
    local width, per = form.bits, form.order == "hex" and 4 or 8
    local count = items or math.floor((stop - at) * per / width)
    local size = math.ceil(count * width / per)
    need(r, at, size, stop)
    local kids, values = {}, {n = count}
    for index = 0, count - 1 do
        local value = 0
        for bit = 0, width - 1 do
            local place = index * width + bit
            local from = at + math.floor(place / per)
            local byte = r.s:byte(from + 1)
            if per == 4 then
                byte = tonumber(string.char(byte), 16)
                if not byte then
                    T.misfit("%s is not a hexadecimal digit", T.hex(r.s:sub(from + 1, from + 1)))
                end
            end
            if form.first == "lowest" then
                value = value + math.floor(byte / 2 ^ (place % per)) % 2 * 2 ^ bit
            else
                value = value * 2 + math.floor(byte / 2 ^ (per - 1 - place % per)) % 2
            end
        end
        local first = math.floor(index * width / per)
        local last = math.floor((index * width + width - 1) / per)
        local shown = value
        if form.is_bool then
            shown = value ~= 0
        end
        kids[index + 1] = {f = form.f, o = at + first, n = last - first + 1, v = shown, val = shown,
            label = form.labels and form.labels[value]}
        values[index + 1] = shown
    end
    return {kids = kids, flat = true, o = at, n = size, val = values}, at + size
end

function content.record(r, form, at, stop)
    local kids, scope, values, begin = {}, {}, {}, at
    for _, field in ipairs(form.fields) do
        local node
        node, at = binary.read(r, field.form, at, stop, scope)
        local name = field.name or field.derived
        if name then
            scope[name] = node.val
        end
        if field.name then
            node.name = field.name
            values[field.name] = node.val
        elseif field.derived then
            node.quiet = true
        end
        kids[#kids + 1] = node
    end
    return {f = form.f, kids = kids, record = true, o = begin, n = at - begin, val = values}, at
end

function content.around(r, form, at, stop)
    local node, after = content.record(r, form, at, stop)
    for _, kid in ipairs(node.kids) do
        if not kid.quiet then
            node.val = kid.val
        end
    end
    node.flat = not node.f
    return node, after
end

function content.optional(r, form, at, stop)
    if at == stop then
        return {o = at, n = 0, quiet = true}, at
    end
    return binary.read(r, form.form, at, stop, {})
end

function content.tagged(r, form, at, stop, items, scope)
    local tag, tag_node
    if form.by then
        tag = told(r, form, scope)
        if tag == nil then
            return content.bytes(r, {f = form.raw}, at, stop)
        end
    else
        tag_node, at = binary.read(r, form.tag, at, stop, {})
        tag = tag_node.val
    end
    if form.size_bits then
        r.size_in_tag = tag % 2 ^ form.size_bits
        tag = math.floor(tag / 2 ^ form.size_bits)
    end
    if form.mask then
        tag = T.band(tag, form.mask)
    end
    local chosen = form.other
    for _, each in ipairs(form.alternatives) do
        if each.tag == tag then
            chosen = each
            break
        end
    end
    if not chosen then
        T.misfit("the tag %s is not declared", T.shown(tag))
    end
    local node, after = binary.read(r, chosen.form, at, stop, {})
    if tag_node then
        tag_node.quiet = true
        node.before = {tag_node, unpack_values(node.before or {})}
        node.whole[1], node.whole[2] = tag_node.o, after - tag_node.o
    end
    return node, after
end
