-- Headers of binary messages, and which message a frame is.

local function reader(frame, request)
    return {tvb = frame.tvb, s = frame.s, names = names, request = request, steps = 0, size_in_tag = 0}
end

-- Return the nodes of a header and its values, or nil if it does not fit.
local function read_header(frame, header)
    local r, at, nodes, values = reader(frame), 0, {}, {}
    for i, item in ipairs(header) do
        local node, after = T.try(binary.read, r, item.form, at, #frame.s, {})
        if not node then
            return nil
        end
        if item.form.type == "constant" and node.fault then
            return nil
        elseif item.always and frame.s:sub(at + 1, after) ~= item.always then
            return nil
        end
        if item.name then
            values[item.name] = node.val
        end
        node.quiet = true
        node.role = item.name
        node.name = item.name == "status" and "status" or nil
        if item.name == "opcode" then
            values.opcode_bytes = frame.s:sub(at + 1, after)
        elseif item.name == "length" and not item.of and item.adjust then
            local right = #frame.s - after + item.adjust
            if node.val ~= right then
                node.fault = string.format("the length is %s, and it should be %d", T.shown(node.val), right)
            end
        end
        nodes[i], at = node, after
    end
    return nodes, values, at
end

-- Return the body of a message, the status behind it, and the place where they end. It raises a misfit.
local function read_body(r, part, at, stop)
    local body, after = binary.read(r, part.body, at, stop, {})
    if not part.status then
        return {body = body, stop = after}
    end
    local status
    status, after = binary.read(r, part.status, after, stop, {})
    return {body = body, status = status, stop = after}
end

-- Return the same for a fault that has zeros in place of the result, or nil.
local function read_zeros(r, part, at, stop)
    for size = 0, #r.s:match("^%z*", at + 1) do
        local status, after = T.try(binary.read, r, part.status, at + size, stop, {})
        if status and after == stop then
            return {body = {o = at, n = size, quiet = true}, status = status, stop = stop}
        end
    end
end

-- Read a message of this header and body. Return what is to be shown, or nil if the header does not fit.
function binary.message(frame, part, request)
    local nodes, values, at = read_header(frame, part.header)
    if not nodes then
        return nil
    end
    local r, faults = reader(frame, request), {}
    local found, problem = T.try(read_body, r, part, at, #frame.s)
    if part.status and (not found or found.stop < #frame.s) then
        found = read_zeros(reader(frame, request), part, at, #frame.s) or found
    end
    if not found then
        faults[1] = "the body does not fit: " .. problem
        return {nodes = nodes, values = values, params = {}, faults = faults, misfit = true}
    end
    nodes[#nodes + 1] = found.body
    if found.status then
        nodes[#nodes + 1] = found.status
        local status = found.status.val
        values.status = type(status) == "table" and status.code or status
    end
    if found.stop < #frame.s then
        faults[#faults + 1] = string.format("%d bytes are left over", #frame.s - found.stop)
    end
    return {nodes = nodes, values = values, params = found.body.val, faults = faults, misfit = #faults > 0}
end

function binary.is_good(good, status)
    if good.mask then
        return T.band(status, good.mask) == good.equals
    elseif good.low then
        return status >= good.low and status <= good.high
    end
    return good.values[status] or false
end

-- Return the fault in a frame, or nil if it is another message.
function binary.fault(frame, fault, request)
    local nodes, values = read_header(frame, fault.header)
    if not nodes then
        return nil
    end
    local is_fault
    if fault.status_last then
        is_fault = values.opcode_bytes and not fault.replies[values.opcode_bytes]
    elseif fault.good then
        is_fault = values.status and not binary.is_good(fault.good, values.status)
    elseif values.opcode_bytes and fault.replies[values.opcode_bytes] then
        is_fault = false
    else
        is_fault = not values.opcode_bytes or fault.opcodes[values.opcode_bytes]
            or (fault.bit and type(values.opcode) == "number" and T.band(values.opcode, fault.bit) ~= 0)
    end
    if not is_fault then
        return nil
    end
    local found = binary.message(frame, fault, request)
    for _, node in ipairs(found.nodes) do
        node.quiet = node.quiet and node.role ~= "status" or nil
    end
    if fault.code_field and values.status then
        table.insert(found.nodes, {f = fault.code_field, o = 0, n = 0, v = values.status, quiet = true})
    end
    local code = values.status or (type(found.params) == "table" and found.params.code)
    local words = code and fault.meanings[code]
    if words then
        found.words = words
    end
    return found
end
