-- Which message a frame is, in a conversation that remembers the requests that wait for a reply.

local codecs = {}  -- functions that read one part of a message, by its codec

function codecs.binary(frame, part, request)
    return binary.message(frame, part, request)
end

function codecs.template(frame, part)
    return template.message(frame, part)
end

function codecs.json(frame, part)
    if not frame.parsed then
        local value, problem = T.try(json.parse, frame, part.encoding)
        frame.parsed = {value = value, problem = problem}
    end
    if not frame.parsed.value then
        return nil, frame.parsed.problem
    end
    return json.message(frame.element or frame.parsed.value, part, frame)
end

local function read_part(frame, part, request)
    local found, problem = codecs[part.codec](frame, part, request)
    if problem then
        frame.problem = problem
    end
    return found
end

-- Read a frame by each of some parts. The first that fits wins, and one that fits in part is better than none.
local function first_of(frame, parts, request)
    local second, second_part
    for _, part in ipairs(parts) do
        local found = read_part(frame, part, request)
        if found and not found.misfit then
            return found, part
        elseif found and not second then
            second, second_part = found, part
        end
    end
    return second, second_part
end

-- Return the requests of a conversation that wait for a reply from this side.
local function waiting(conversation, sender)
    conversation.waiting = conversation.waiting or {host = {}, equipment = {}}
    return conversation.waiting[sender]
end

local function other_side(side)
    return side == "host" and "equipment" or "host"
end

local function remove(list, item)
    for i, each in ipairs(list) do
        if each == item then
            table.remove(list, i)
            return
        end
    end
end

-- Return the parts of a reply that can come next.
local function next_parts(reply, progress)
    if progress.form then
        local form = progress.form
        if progress.index < #form.frames then
            return {form.frames[progress.index + 1]}
        end
        local parts = {}
        if form.stop then
            parts[1] = form.stop
        end
        for _, item in ipairs(form.items or {}) do
            parts[#parts + 1] = item
        end
        return parts
    end
    local parts = {}
    if reply.acknowledgement and not progress.acknowledged then
        parts[1] = reply.acknowledgement
    end
    if reply.opened and not progress.opened then
        parts[#parts + 1] = reply.opened
    end
    for _, form in ipairs(reply.forms) do
        parts[#parts + 1] = form.frames[1] or (form.items or {})[1] or form.stop
        if not form.frames[1] then
            for _, item in ipairs(form.items or {}) do
                parts[#parts + 1] = item
            end
            parts[#parts + 1] = form.stop
        end
    end
    return parts
end

-- Note that a part of a reply came. Return true if the reply is complete.
local function advance(reply, progress, part, found)
    if part == reply.acknowledgement then
        progress.acknowledged = true
        return false
    elseif part == reply.opened then
        progress.opened = true
        return false
    end
    if not progress.form then
        for _, form in ipairs(reply.forms) do
            if part == form.frames[1] or part == form.stop then
                progress.form = form
            end
            for _, item in ipairs(form.items or {}) do
                if part == item then
                    progress.form = form
                end
            end
            if progress.form then
                break
            end
        end
        progress.index, progress.left = 0, nil
    end
    local form = progress.form
    if not form or part == form.stop then
        return true
    end
    local is_item = false
    for _, item in ipairs(form.items or {}) do
        is_item = is_item or item == part
    end
    if is_item then
        progress.left = progress.left and progress.left - 1
    else
        progress.index = progress.index + 1
        progress.left = found.values["#frames"] or progress.left
    end
    if progress.index < #form.frames then
        return false
    elseif not form.items then
        return true
    end
    return not form.stop and (progress.left or 0) <= 0
end

-- Return the faults that can answer a request; all of a party if the request is not known.
local function faults_for(party, request)
    local parts = {}
    for _, each in ipairs(request and request.message.faults or {}) do
        parts[#parts + 1] = each
    end
    if not (request and request.message.only_own_faults) then
        for _, each in ipairs(party.faults) do
            parts[#parts + 1] = each
        end
    end
    return parts
end

local function read_fault(frame, party, request)
    for _, part in ipairs(faults_for(party, request)) do
        local found
        if part.codec == "binary" then
            found = binary.fault(frame, part, request and request.params)
        else
            found = read_part(frame, part)
            local code = found and (found.values.code or part.code)
            if found and part.code_field then
                local value = type(part.code) == "number" and Int64(part.code) or part.code
                table.insert(found.nodes, {f = part.code_field, o = 0, n = 0, v = value, name = "code", val = part.code})
            end
            if found and part.success and part.success[code] then
                found = nil
            elseif found and part.success_members and json.has_constants(part.success_members, found.value) then
                found = nil
            elseif found and code ~= nil and not found.words then
                found.words = party.meanings[code]
            end
        end
        if found then
            return found, part
        end
    end
end

-- Return the id in an answer, or nil.
local function answer_id(frame, party)
    for _, header in ipairs(party.id_headers or {}) do
        local nodes, values = read_header(frame, header)
        if nodes then
            return values.id
        end
    end
    if party.id_key then
        local value = frame.element
        if not value then
            local parsed, problem = T.try(json.parse, frame, party.encoding)
            value = parsed
        end
        local found = value and value.kind == "map" and value.keys[party.id_key]
        return found and found.value
    end
end

-- Return the request that an answer belongs to: the one with its id, or the oldest one.
local function request_for(frame, party, queue)
    if not party.by_id then
        return queue[1]
    end
    local id = answer_id(frame, party)
    for _, each in ipairs(queue) do
        if id ~= nil and each.id == id then
            return each
        elseif id == nil and each.party == party and each.message.reply then
            local found = first_of(frame, next_parts(each.message.reply, each.progress), each.params)
            if found and found.values.id == each.id then
                return each
            end
        end
    end
    return id == nil and queue[1] or nil
end

-- Read a frame as an answer in a party. Return what was found, or nil.
local function read_answer(frame, party, queue, known)
    local tried = {}
    local request = known
    if request == nil then
        request = request_for(frame, party, queue)
    end
    request = request or nil
    if request and request.party == party and request.message.reply then
        local reply = request.message.reply
        local parts = next_parts(reply, request.progress)
        local in_items = request.progress.form and request.progress.index >= #request.progress.form.frames
        if not in_items or request.progress.form.stop then
            local fault = read_fault(frame, party, request)
            if fault then
                return {found = fault, kind = "fault", request = request, complete = true, message = request.message}
            end
            local found, matched = first_of(frame, parts, request.params)
            if found then
                return {found = found, kind = "reply", request = request, part = matched, message = request.message}
            end
        else
            local found, matched = first_of(frame, parts, request.params)
            if found then
                return {found = found, kind = "reply", request = request, part = matched, message = request.message}
            end
        end
        tried[request.message] = true
    end
    local fault = read_fault(frame, party, nil)
    if fault then
        return {found = fault, kind = "fault", request = request, complete = request ~= nil}
    end
    for _, message in ipairs(party.requests) do
        if message.reply and not tried[message] then
            for _, form in ipairs(message.reply.forms) do
                local parts = {unpack_values(form.frames)}
                for _, item in ipairs(form.items or {}) do
                    parts[#parts + 1] = item
                end
                parts[#parts + 1] = form.stop
                local found = first_of(frame, parts, nil)
                if found and not found.misfit then
                    return {found = found, kind = "reply", message = message}
                end
            end
        end
    end
end

local function read_all(frame, messages, kind, party, second)
    local misfit
    for _, message in ipairs(messages) do
        for _, part in ipairs(message.parts) do
            local found = read_part(frame, part)
            if found and not found.misfit then
                return {found = found, kind = kind, message = message, party = party, part = part}
            elseif found and not misfit then
                misfit = {found = found, kind = kind, message = message, party = party, part = part}
            end
        end
    end
    return nil, second or misfit
end

-- Return what a frame from a sender is. Requests that wait are looked at, and not changed.
local function identify(frame, sender, conversation, known)
    local result, second
    for _, party in ipairs(D.parties) do
        if sender == party.equipment then
            result, second = read_all(frame, party.events, "event", party, second)
            if result then
                return result
            end
        end
    end
    for _, party in ipairs(D.parties) do
        if sender ~= party.equipment then
            result, second = read_all(frame, party.requests, "request", party, second)
            if result then
                return result
            end
        end
    end
    for _, party in ipairs(D.parties) do
        if sender == party.equipment then
            result = read_answer(frame, party, waiting(conversation, sender), known)
            if result and not (result.found.misfit and second) then
                result.party = party
                return result
            end
        end
    end
    for _, party in ipairs(D.parties) do
        if sender == party.equipment then
            result, second = read_all(frame, party.any_events, "event", party, second)
            if result then
                return result
            end
        end
    end
    for _, text in ipairs(D.texts) do
        if sender == text.sender then
            local found = read_part(frame, text)
            if found then
                return {found = found, kind = text.kind, message = {name = text.name}}
            end
        end
    end
    return second
end

-- Note in a conversation what came, the first time that a frame is seen. Return the decision for later times.
local function remember(result, sender, conversation, pinfo)
    if not result then
        return {}
    end
    local decision = {}
    local queue = waiting(conversation, sender)
    local is_second = result.kind == "request" and result.message.parts and result.part ~= result.message.parts[1]
    if (result.kind == "request" or result.expects) and result.message.reply and not is_second then
        local request = {
            message = result.message, party = result.party, params = result.found.params,
            id = result.found.values.id, number = pinfo.number, time = pinfo.abs_ts, progress = {},
        }
        decision.own = request
        table.insert(waiting(conversation, other_side(sender)), request)
    elseif result.request then
        local request = result.request
        decision.request = request
        decision.time = pinfo.abs_ts - request.time
        decision.progress = {}
        for key, value in pairs(request.progress) do
            decision.progress[key] = value
        end
        if result.complete or advance(request.message.reply, request.progress, result.part, result.found) then
            request.answered_in = pinfo.number
            request.took = decision.time
            remove(queue, request)
        end
    end
    return decision
end

-- Return the request of an earlier decision as it was at that time.
local function as_it_was(decision)
    if not decision.request then
        return false
    end
    local request = {}
    for key, value in pairs(decision.request) do
        request[key] = value
    end
    request.progress = decision.progress
    return request
end
