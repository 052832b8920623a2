-- The dissector itself: it cuts the stream, reads each frame, and shows it.

D.identify = D.secs and secs_identify or identify

local ok, proto = pcall(Proto, D.prefix, D.title)
if not ok then  -- Wireshark, or another script, has a protocol of this name
    D.prefix = D.prefix .. "_device"
    proto = Proto(D.prefix, D.title .. " (tcpcomm)")
end

local F = {}
local listed = {}
for i, field in ipairs(D.fields) do
    local make = ProtoField[field.type]
    local abbr, name = D.prefix .. "." .. field.path, field.title
    if field.type == "framenum" then
        F[i] = make(abbr, name, base.NONE, field.frametype == "request" and frametype.REQUEST or frametype.RESPONSE)
    elseif field.type == "bool" then
        F[i] = make(abbr, name, field.width or base.NONE, nil, field.mask)
    elseif field.base then
        F[i] = make(abbr, name, base[field.base], field.values, field.mask)
    else
        F[i] = make(abbr, name)
    end
    listed[i] = F[i]
end
proto.fields = listed

local unknown = ProtoExpert.new(
    D.prefix .. ".unknown", "Not in the declaration", expert.group.UNDECODED, expert.severity.WARN)
local misfit = ProtoExpert.new(
    D.prefix .. ".misfit", "It does not fit the declaration", expert.group.MALFORMED, expert.severity.WARN)
local bad_frame = ProtoExpert.new(
    D.prefix .. ".bad_frame", "The bytes break the framing", expert.group.CHECKSUM, expert.severity.ERROR)
local is_fault = ProtoExpert.new(
    D.prefix .. ".is_fault", "A fault", expert.group.RESPONSE_CODE, expert.severity.NOTE)
proto.experts = {unknown, misfit, bad_frame, is_fault}

proto.prefs.port = Pref.uint("TCP port", D.port, "The TCP port of " .. D.name)
proto.prefs.host_listens = Pref.bool(
    "The host listens at the port", false, "Set it if the equipment connects to the host")

local sequence_field = Field.new("tcp.seq")
local conversations, decisions, rules = {}, {}, {}

function proto.init()
    conversations, decisions, rules = {}, {}, {}
end

-- Return what is known of a connection. Fields such as tcp.stream are not there while Wireshark loads a file.
local function conversation_of(pinfo)
    local one = tostring(pinfo.src) .. " " .. pinfo.src_port
    local other = tostring(pinfo.dst) .. " " .. pinfo.dst_port
    local key = one < other and one .. " " .. other or other .. " " .. one
    conversations[key] = conversations[key] or {}
    return conversations[key]
end

-- Return who sent a packet: host or equipment.
local function sender_of(pinfo)
    local listener, other = "equipment", "host"
    if proto.prefs.host_listens then
        listener, other = other, listener
    end
    if pinfo.src_port == pinfo.dst_port then
        return listener
    elseif pinfo.src_port == proto.prefs.port then
        return listener
    elseif pinfo.dst_port == proto.prefs.port then
        return other
    end
    return pinfo.src_port < pinfo.dst_port and listener or other  -- by Decode As: servers have the lower ports
end

local cutters = {}
local function cutter(rule)
    cutters[rule] = cutters[rule] or framings[rule.kind](rule)
    return cutters[rule]
end

-- Return the framing of what comes next from a sender, the first time that it is seen.
local function rule_for(sender, conversation)
    local answered = waiting(conversation, sender)[1]
    if answered and answered.progress.opened and answered.message.second_framing then
        return answered.message.second_framing
    elseif answered and answered.message.framing then
        return answered.message.framing
    end
    for _, asked in ipairs(waiting(conversation, other_side(sender))) do
        if asked.message.second_framing and asked.progress.opened and not asked.second_came then
            return asked.message.second_framing
        end
    end
    return D.framings[sender]
end

local function add_value(node, tree, tvb)
    local range = tvb(node.o, node.n)
    local field = F[node.f]
    if node.text then
        local encoding = T.encoding(node.text)
        if node.n > 0 and encoding then
            local item, value = tree:add_packet_field(field, range, encoding)
            node.val = type(value) == "string" and T.visible(value) or T.text(range, node.text)
            return item
        end
        node.val = T.text(range, node.text)
        return tree:add(field, range, node.val)
    elseif node.is_hex then
        return (tree:add_packet_field(field, range, ENC_STR_HEX + ENC_SEP_NONE))
    elseif node.v ~= nil then
        return tree:add(field, range, node.v)
    elseif node.le then
        return tree:add_le(field, range)
    end
    return tree:add(field, range)
end

local function render(node, tree, tvb)
    tvb = node.tvb or tvb
    for _, count in ipairs(node.before or {}) do
        if count.f then
            render(count, tree, tvb)
        end
    end
    local item
    if node.f then
        item = add_value(node, tree, tvb)
    elseif node.title then
        item = tree:add(tvb(node.o, node.n), node.title)
    elseif node.label and not node.flat then
        item = tree:add(tvb(node.o, node.n), (node.name or "value") .. ": " .. node.label)
    end
    if item and node.label and node.append then
        item:append_text(" (" .. node.label .. ")")
    end
    if item and node.prefix then
        item:prepend_text(node.prefix .. ": ")
    end
    if item and node.suffix then
        item:append_text(node.suffix)
    end
    if node.fault then
        local text = node.fault
        if item then
            item:add_proto_expert_info(misfit, text)
        else
            tree:add_proto_expert_info(misfit, text)
        end
    end
    for _, kid in ipairs(node.kids or {}) do
        render(kid, node.flat and tree or item or tree, tvb)
    end
end

-- Return the values of a message in a few words.
local function summary(nodes)
    local texts = {}
    local function value_text(node)
        if node.label or node.words then
            return node.label or node.words
        elseif node.record or node.flat then
            local parts = {}
            for _, kid in ipairs(node.kids or {}) do
                if not kid.quiet and #parts < 8 then
                    local text = value_text(kid)
                    parts[#parts + 1] = node.record and kid.name and kid.name .. "=" .. text or text
                end
            end
            local cut = #(node.kids or {}) > 8 and ", …" or ""
            return (node.record and "(" or "[") .. table.concat(parts, ", ") .. cut .. (node.record and ")" or "]")
        elseif type(node.val) == "table" then
            local parts = {}
            for _, kid in ipairs(node.kids or {}) do
                if kid.name and not kid.quiet then
                    parts[#parts + 1] = kid.name .. "=" .. value_text(kid)
                end
            end
            return "(" .. table.concat(parts, ", ") .. ")"
        end
        return T.shown(node.val)
    end
    local function add(node)
        if node.quiet or #texts >= 12 then
            return
        elseif node.name and node.val ~= nil then
            texts[#texts + 1] = node.name .. "=" .. value_text(node)
        elseif node.record or node.flat and not node.name then
            for _, kid in ipairs(node.kids or {}) do
                add(kid)
            end
        elseif node.val ~= nil and not node.role then
            texts[#texts + 1] = value_text(node)
        end
    end
    for _, node in ipairs(nodes) do
        add(node)
    end
    return table.concat(texts, " ")
end

local function duration(seconds)
    local whole = math.floor(seconds)
    return NSTime(whole, math.floor((seconds - whole) * 1e9 + 0.5))
end

local function show_links(tree, tvb, result, decision)
    if decision.own and decision.own.answered_in then
        tree:add(F[D.known.response_in], tvb(0, 0), decision.own.answered_in):set_generated()
    end
    if decision.request then
        tree:add(F[D.known.request_in], tvb(0, 0), decision.request.number):set_generated()
        tree:add(F[D.known.time], tvb(0, 0), duration(decision.time)):set_generated()
    end
end

local function show(result, decision, tree, frame, pinfo)
    local found = result.found
    local name = result.message and result.message.name or ""
    local title = result.kind .. (name ~= "" and " " .. name or "")
    tree:append_text(": " .. title)
    tree:add(F[D.known.kind], frame.tvb(0, 0), result.kind):set_generated()
    if name ~= "" then
        tree:add(F[D.known.message], frame.tvb(0, 0), name):set_generated()
    end
    for _, node in ipairs(found.nodes) do
        render(node, tree, frame.tvb)
    end
    for _, text in ipairs(found.faults) do
        tree:add_proto_expert_info(misfit, text)
    end
    if result.kind == "fault" then
        tree:add_proto_expert_info(is_fault, found.words or "a fault")
    end
    show_links(tree, frame.tvb, result, decision)
    local words = summary(found.nodes)
    return title .. (words ~= "" and " " .. words or "") .. (found.words and " (" .. found.words .. ")" or "")
end

-- Show one message. Return its words for the column Info.
local function one_message(frame, sender, conversation, tree, pinfo, key)
    local decision = decisions[key]
    local result
    if decision then
        result = D.identify(frame, sender, conversation, as_it_was(decision))
    else
        result = D.identify(frame, sender, conversation, nil)
        decision = remember(result, sender, conversation, pinfo)
        decisions[key] = decision
    end
    if not result then
        tree:add_proto_expert_info(unknown, frame.problem or "no declared message fits")
        tree:add(F[D.known.data], frame.tvb:range())
        return "unknown " .. T.visible(frame.s:sub(1, 40))
    end
    return show(result, decision, tree, frame, pinfo)
end

-- Return the commands, or the replies, that a line of SCPI holds, with semicolons between them.
local function command_units(frame)
    local units, from, i, s = {}, 1, 1, frame.s
    while i <= #s + 1 do
        local c = s:sub(i, i)
        if c == '"' or c == "'" then
            i = (s:find(c, i + 1, true) or #s) + 1
        elseif c == "#" and s:find("^[1-9]", i + 1) then
            local width = tonumber(s:sub(i + 1, i + 1))
            i = i + 2 + width + (tonumber(s:sub(i + 2, i + 1 + width)) or 0)
        elseif c == ";" or i == #s + 1 then
            local first = s:find("[^ ]", from) or from
            if i > first then
                units[#units + 1] = {s = s:sub(first, i - 1), tvb = frame.tvb(first - 1, i - first):tvb(),
                    is_relative = #units > 0}
            end
            from, i = i + 1, i + 1
        else
            i = i + 1
        end
    end
    return units
end

local function one_frame(tvb, pinfo, tree, at, found, sender, conversation, key)
    local frame = {}
    if found.data then
        frame.s = found.data
        frame.tvb = #found.data > 0 and T.tvb(found.data, "Frame without escapes") or tvb(at, 0):tvb()
    else
        frame.s = tvb:raw(at + found.from, found.size)
        frame.tvb = found.size > 0 and tvb(at + found.from, found.size):tvb() or nil
    end
    local item = tree:add(proto, tvb(at, found.total), D.name)
    for _, text in ipairs(found.faults or {}) do
        item:add_proto_expert_info(bad_frame, text)
    end
    if #frame.s == 0 then
        item:append_text(found.between and ": between frames" or ": an empty frame")
        return nil
    end
    if frame.s:sub(1, 1) == "[" and D.batches then
        local value = T.try(json.parse, frame, D.batches)
        if value and value.kind == "list" then
            local texts = {}
            for i, element in ipairs(value.items) do
                local part = {s = frame.s, tvb = frame.tvb, parsed = {value = value}, element = element}
                local branch = item:add(proto, frame.tvb(element.o, element.n), "Message " .. i)
                texts[i] = one_message(part, sender, conversation, branch, pinfo, key .. ":" .. i)
            end
            return "batch: " .. table.concat(texts, ", ")
        end
    end
    if D.units then
        local units = command_units(frame)
        if #units > 1 then
            local texts = {}
            for i, unit in ipairs(units) do
                local branch = item:add(proto, unit.tvb(), "Command " .. i)
                texts[i] = one_message(unit, sender, conversation, branch, pinfo, key .. ":" .. i)
            end
            return table.concat(texts, "; ")
        end
    end
    return one_message(frame, sender, conversation, item, pinfo, key)
end

function proto.dissector(tvb, pinfo, tree)
    local s = tvb:raw(0, tvb:len())
    local sender, conversation = sender_of(pinfo), conversation_of(pinfo)
    local sequence = sequence_field()
    conversation.began = conversation.began or {}
    conversation.first = conversation.first or {}
    if conversation.began[sender] == nil or (sequence and sequence.value == 1) then
        conversation.began[sender] = sequence == nil or sequence.value == 1
    end
    local texts, at = {}, 0
    pinfo.cols.protocol = D.name
    while at < #s do
        local key = string.format("%d:%d:%d:%d", pinfo.number, tvb:offset(), #s, at)
        local first = conversation.first[sender]
        local is_first = conversation.began[sender] and (first == nil or first == key)
        local rule = rules[key] or rule_for(sender, conversation)
        rules[key] = rule
        local found = cutter(rule)(s, at, is_first)
        if found.total and first == nil then
            conversation.first[sender] = key
        end
        if found.more then
            pinfo.desegment_offset = at
            pinfo.desegment_len = found.more > 0 and found.more or DESEGMENT_ONE_MORE_SEGMENT
            break
        elseif found.bad then
            local size = found.skip or #s - at
            local item = tree:add(proto, tvb(at, size), D.name .. ": no frame")
            item:add_proto_expert_info(bad_frame, found.bad)
            item:add(F[D.known.data], tvb(at, size))
            texts[#texts + 1] = "no frame"
            at = at + size
        else
            texts[#texts + 1] = one_frame(tvb, pinfo, tree, at, found, sender, conversation, key)
            at = at + found.total
        end
    end
    if #texts > 0 then
        pinfo.cols.info:set((sender == "host" and "→ " or "← ") .. table.concat(texts, "; "))
        pinfo.cols.info:fence()
    end
    return tvb:len()
end

local tcp_ports = DissectorTable.get("tcp.port")
local port_now = D.port
tcp_ports:add(port_now, proto)

function proto.prefs_changed()
    if proto.prefs.port ~= port_now then
        tcp_ports:remove(port_now, proto)
        port_now = proto.prefs.port
        tcp_ports:add(port_now, proto)
    end
end
