-- Which message a frame is, in a conversation that remembers the requests that wait for a reply.

local codecs = {}  -- functions that read one part of a message, by its codec

function codecs.binary(frame, part, request)
    return binary.message(frame, part, request)
end

function codecs.template(frame, part)
    return template.message(frame, part)
end

-- Return the value of JSON in a frame, or nil and words about what is wrong.
local function json_value(frame, encoding)
    if not frame.parsed then
        local value, problem = T.try(json.parse, frame, encoding)
        frame.parsed = {value = value, problem = problem}
    end
    return frame.element or frame.parsed.value, frame.parsed.problem
end

function codecs.json(frame, part)
    local value, problem = json_value(frame, part.encoding)
    if not value then
        return nil, problem
    end
    return json.message(value, part, frame)
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

-- Return the steps of a form of a reply that can come next: each with its part and what holds behind it.
local function next_steps(candidate)
    local form, steps = candidate.form, {}
    if candidate.index < #form.frames then
        local is_last = candidate.index + 1 == #form.frames
        steps[1] = {part = form.frames[candidate.index + 1], after = function(found)
            local count = found.values["#frames"]
            local left = count and count * (form.per_item or 1) or candidate.left
            local complete = is_last and not form.stop and (not form.items or (left or 0) <= 0)
            return {form = form, index = candidate.index + 1, left = left}, complete
        end}
        return steps
    end
    if form.stop then
        steps[1] = {part = form.stop, after = function() return candidate, true end}
    end
    for _, item in ipairs(form.items or {}) do
        steps[#steps + 1] = {part = item, after = function()
            local left = candidate.left and candidate.left - 1
            local complete = not form.stop and (left or 0) <= 0
            return {form = form, index = candidate.index, left = left}, complete
        end}
    end
    return steps
end

local function candidates_of(reply, progress)
    if progress.candidates then
        return progress.candidates
    end
    local found = {}
    for i, form in ipairs(reply.forms) do
        found[i] = {form = form, index = 0}
    end
    return found
end

-- Return true if only items can come next, so that a fault cannot.
local function is_in_items(progress)
    for _, candidate in ipairs(progress.candidates or {}) do
        if candidate.index >= #candidate.form.frames and not candidate.form.stop then
            return true
        end
    end
    return false
end

-- Read the next frame of a reply. Return it, the progress behind it, and true if the reply is complete.
local function read_reply(frame, reply, progress, params)
    for _, name in ipairs({"acknowledgement", "opened"}) do
        if reply[name] and not progress[name] then
            local found = read_part(frame, reply[name], params)
            if found then
                local following = {candidates = progress.candidates, [name] = true}
                following.acknowledgement = following.acknowledgement or progress.acknowledgement
                following.opened = following.opened or progress.opened
                return found, following, false
            end
        end
    end
    local best, misfit, kept, is_complete = nil, nil, {}, false
    for _, candidate in ipairs(candidates_of(reply, progress)) do
        for _, step in ipairs(next_steps(candidate)) do
            local found = read_part(frame, step.part, params)
            if found and found.misfit then
                misfit = misfit or {found, {}, true}
            elseif found then
                local following, complete = step.after(found)
                best = best or found
                is_complete = is_complete or complete
                kept[#kept + 1] = following
                break
            end
        end
    end
    if best then
        return best, {candidates = kept, acknowledgement = true, opened = true}, is_complete
    elseif misfit then
        return misfit[1], misfit[2], misfit[3]
    end
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
            local own = found and request and not party.by_id and request.message.fault_opcode
            local opcode = own and found.values.opcode_bytes
            if opcode and opcode ~= own and found.values.opcode ~= part.bit then
                found = nil  -- of another command
            end
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

-- Return the request that an answer with an id belongs to.
local function request_by_id(frame, party, queue)
    local id = answer_id(frame, party)
    for _, each in ipairs(queue) do
        if id ~= nil and each.id == id then
            return each
        elseif id == nil and each.party == party and each.message.reply then
            local found = read_reply(frame, each.message.reply, each.progress, each.params)
            if found and found.values.id == each.id then
                return each
            end
        end
    end
    for _, each in ipairs(id == nil and queue or {}) do
        if each.id == nil then  -- some replies have ids, and others come in order
            return each
        end
    end
    return id == nil and queue[1] or nil
end

-- Return the first part of each form of the reply to a message.
local function first_parts(message)
    local parts = {}
    for _, form in ipairs(message.reply and message.reply.forms or {}) do
        parts[#parts + 1] = form.frames[1]
    end
    return parts
end

-- Return the opcode that the reply to a message always has, or nil.
local function reply_opcode(message)
    for _, part in ipairs(first_parts(message)) do
        for _, item in ipairs(part.codec == "binary" and part.header or {}) do
            if item.name == "opcode" and item.always then
                return item.always
            end
        end
    end
end

-- Return true if a fault repeats another word of a command than that of a message.
local function repeats_another_word(frame, party, message)
    for _, fault in ipairs(party.faults) do
        local value = fault.codec == "json" and json_value(frame, fault.encoding)
        for _, member in ipairs(value and value.kind == "map" and fault.members or {}) do
            local is_repeated = member.what == "command" and value.keys[member.key]
            for _, part in ipairs(is_repeated and first_parts(message) or {}) do
                for _, own in ipairs(part.members or {}) do
                    if own.key == member.key and own.always ~= nil then
                        return not json.has_constants({own}, value)
                    end
                end
            end
        end
    end
    return false
end

-- Return true if a frame is surely the answer to another message.
local function answers_another(frame, party, message)
    local opcode = reply_opcode(message)
    for _, other in ipairs(party.requests) do
        for _, part in ipairs(other ~= message and first_parts(other) or {}) do
            local first = part.codec == "template" and part.parts[1]
            if first and (first.text or first.kind == "int" or first.kind == "float") then
                local found = read_part(frame, part)
                if found and not found.misfit then
                    return true
                end
            elseif part.codec == "binary" and opcode and reply_opcode(other) ~= opcode then
                local nodes, values = read_header(frame, part.header)
                if nodes and values.opcode_bytes and values.opcode_bytes == reply_opcode(other) then
                    return true
                end
            end
        end
    end
    return repeats_another_word(frame, party, message)
end

local most_tried = 8

-- Return the requests that an answer may belong to, the likeliest first, and true if it may overtake others.
local function requests_for(frame, party, queue)
    if party.by_id then
        return {request_by_id(frame, party, queue)}, true
    end
    local own, others, all = {}, {}, {}
    for _, each in ipairs(queue) do
        if each.party == party then
            all[#all + 1] = each
        end
    end
    local heartbeat = party.heartbeat
    for _, each in ipairs(heartbeat and frame.s == heartbeat.reply and all or {}) do
        if each.message.name == heartbeat.name then
            return {each}, true
        end
    end
    if #all == 1 then
        return all, false
    end
    for _, each in ipairs(all) do
        local is_own = each.message.name == "" or not answers_another(frame, party, each.message)
        table.insert(is_own and own or others, each)
    end
    for _, each in ipairs(others) do
        own[#own + 1] = each
    end
    return own, false
end

-- Read a frame as the answer to a request. Return what was found, or nil.
local function read_answer_to(frame, party, request)
    local message = request.message
    if request.party ~= party or not message.reply then
        return nil
    end
    local fault = not is_in_items(request.progress) and read_fault(frame, party, request)
    if fault then
        return {found = fault, kind = "fault", request = request, complete = true, message = message}
    end
    local found, progress, complete = read_reply(frame, message.reply, request.progress, request.params)
    local last = found and found.values.status and party.faults[1]
    if last and last.status_last and not binary.is_good(last.good, found.values.status) then
        found.words = last.meanings[found.values.status]
        return {found = found, kind = "fault", request = request, complete = true, message = message}
    elseif found then
        return {found = found, kind = "reply", request = request, complete = complete, progress = progress,
            message = message}
    end
end

-- Read a frame as an answer in a party. Return what was found, or nil.
local function read_answer(frame, party, queue, known)
    local requests, overtakes = {known or nil}, true
    if known == nil then
        requests, overtakes = requests_for(frame, party, queue)
    end
    local tried, misfit = {}, nil
    for i, request in ipairs(requests) do
        local result = i <= most_tried and read_answer_to(frame, party, request)
        if result then
            result.overtakes = overtakes
            if not result.found.misfit then
                return result
            end
            misfit = misfit or result
        end
        tried[request.message] = true
    end
    if misfit then
        return misfit
    end
    local fault = read_fault(frame, party, nil)
    if fault then
        return {found = fault, kind = "fault", request = requests[1], complete = requests[1] ~= nil}
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

-- Read a list of messages of each party whose equipment is, or is not, the sender. Return as read_all does.
local function read_of(frame, sender, by_equipment, list, kind, second)
    for _, party in ipairs(D.parties) do
        if (sender == party.equipment) == by_equipment then
            local result
            result, second = read_all(frame, party[list], kind, party, second)
            if result then
                return result, second
            end
        end
    end
    return nil, second
end

-- Return what a frame from a sender is. Requests that wait are looked at, and not changed.
local function identify(frame, sender, conversation, known)
    local result, second
    result, second = read_of(frame, sender, true, "events", "event", second)
    if result then
        return result
    end
    result, second = read_of(frame, sender, false, "requests", "request", second)
    if result then
        return result
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
    result, second = read_of(frame, sender, true, "any_events", "event", second)
    if result then
        return result
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

-- Add a request that waits. Those whose time is over are forgotten, because who asked has given them up.
local function add_request(queue, request, now)
    for i = #queue, 1, -1 do
        if queue[i].due and queue[i].due < now then
            table.remove(queue, i)
        end
    end
    local timeout = request.message.timeout or request.party and request.party.timeout
    request.timeout, request.due = timeout, timeout and now + timeout
    table.insert(queue, request)
end

-- Note a frame that fits nothing. A fault may answer that of a host; that of the equipment was an answer.
local function remember_unknown(sender, conversation, pinfo)
    local party = #D.parties == 1 and not D.parties[1].by_id and D.parties[1]
    if party and sender == party.equipment then
        table.remove(waiting(conversation, sender), 1)
    elseif party and #party.faults > 0 then
        local message = {name = "", reply = {forms = {}}}
        local request = {message = message, party = party, number = pinfo.number, time = pinfo.abs_ts, progress = {}}
        add_request(waiting(conversation, other_side(sender)), request, pinfo.abs_ts)
        return {own = request}
    end
    return {}
end

-- Note in a conversation what came, the first time that a frame is seen. Return the decision for later times.
local function remember(result, sender, conversation, pinfo)
    if not result then
        return remember_unknown(sender, conversation, pinfo)
    end
    local decision = {}
    local queue = waiting(conversation, sender)
    local is_second = result.kind == "request" and result.message.parts and result.part ~= result.message.parts[1]
    if (result.kind == "request" or result.expects) and result.message.reply and not is_second then
        local request = {
            message = result.message, party = result.party, params = result.found.params,
            id = result.found.values[result.message.id_parameter or "id"], number = pinfo.number, time = pinfo.abs_ts, progress = {},
        }
        decision.own = request
        add_request(waiting(conversation, other_side(sender)), request, pinfo.abs_ts)
    elseif is_second then
        for _, each in ipairs(waiting(conversation, other_side(sender))) do
            if each.message == result.message then
                each.second_came = true
            end
        end
    elseif result.kind == "event" and result.message.is_interim then
        for _, each in ipairs(queue) do
            each.due = each.timeout and pinfo.abs_ts + each.timeout
        end
    elseif result.request then
        local request = result.request
        decision.request = request
        decision.time = pinfo.abs_ts - request.time
        decision.progress = request.progress
        for i = result.overtakes and 0 or #queue, 1, -1 do  -- the answer shows that those before got none
            if queue[i] == request then
                for _ = 2, i do
                    table.remove(queue, 1)
                end
                break
            end
        end
        if result.complete then
            request.answered_in = pinfo.number
            remove(queue, request)
        else
            request.progress = result.progress
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
