-- JSON: a parser that knows the place of each value, and messages by their keys.

local json = {}
local parse_value

local function blanks(s, i)
    return s:find("[^ \t\r\n]", i) or #s + 1
end

local escapes = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}

-- Return a character of Unicode in UTF-8.
local function utf8_of(code)
    if code < 128 then
        return string.char(code)
    elseif code < 2048 then
        return string.char(192 + math.floor(code / 64), 128 + code % 64)
    elseif code < 65536 then
        return string.char(224 + math.floor(code / 4096), 128 + math.floor(code / 64) % 64, 128 + code % 64)
    end
    return string.char(240 + math.floor(code / 262144), 128 + math.floor(code / 4096) % 64,
        128 + math.floor(code / 64) % 64, 128 + code % 64)
end

local function parse_string(r, i)
    local s, parts, from = r.s, {}, i + 1
    while true do
        local stop = s:find('["\\]', from)
        if not stop then
            T.misfit("a string has no end")
        end
        if stop > from then
            parts[#parts + 1] = r.text(from - 1, stop - from)
        end
        if s:sub(stop, stop) == '"' then
            local value = #parts == 1 and parts[1] or table.concat(parts)
            return {kind = "text", o = i - 1, n = stop - i + 1, value = value}, stop + 1
        end
        local c = s:sub(stop + 1, stop + 1)
        from = stop + 2
        if c == "u" then
            local code = tonumber(s:match("^%x%x%x%x", stop + 2) or "", 16)
            if not code then
                T.misfit("an escape needs four hexadecimal digits")
            end
            from = stop + 6
            local low = code >= 0xD800 and code < 0xDC00 and s:match("^\\u(%x%x%x%x)", from)
            if low then
                code = 0x10000 + (code - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00
                from = from + 6
            end
            parts[#parts + 1] = utf8_of(code)
        else
            parts[#parts + 1] = escapes[c] or c
        end
    end
end

local function parse_members(r, i, stop_at, member)
    local s, begin = r.s, i
    local members = {}
    i = blanks(s, i + 1)
    if s:sub(i, i) == stop_at then
        return members, i + 1
    end
    while true do
        i = member(members, i)
        i = blanks(s, i)
        local c = s:sub(i, i)
        if c == stop_at then
            return members, i + 1
        elseif c ~= "," then
            T.misfit("a comma or %s must stand at byte %d", stop_at, i - 1)
        end
        i = blanks(s, i + 1)
    end
end

parse_value = function(r, i, depth)
    local s = r.s
    i = blanks(s, i)
    local c = s:sub(i, i)
    if depth > 100 then
        T.misfit("the values are nested too deeply")
    elseif c == "{" then
        local keys = {}
        local members, after = parse_members(r, i, "}", function(found, at)
            if s:sub(at, at) ~= '"' then
                T.misfit("a key must stand at byte %d", at - 1)
            end
            local key, behind = parse_string(r, at)
            behind = blanks(s, behind)
            if s:sub(behind, behind) ~= ":" then
                T.misfit("a colon must stand at byte %d", behind - 1)
            end
            local value
            value, behind = parse_value(r, behind + 1, depth + 1)
            value.key, value.from = key.value, at - 1
            found[#found + 1] = value
            keys[key.value] = value
            return behind
        end)
        return {kind = "map", o = i - 1, n = after - i, members = members, keys = keys}, after
    elseif c == "[" then
        local items, after = parse_members(r, i, "]", function(found, at)
            local value, behind = parse_value(r, at, depth + 1)
            found[#found + 1] = value
            return behind
        end)
        return {kind = "list", o = i - 1, n = after - i, items = items}, after
    elseif c == '"' then
        return parse_string(r, i)
    end
    for word, value in pairs({["true"] = true, ["false"] = false}) do
        if s:sub(i, i + #word - 1) == word then
            return {kind = "bool", o = i - 1, n = #word, value = value}, i + #word
        end
    end
    if s:sub(i, i + 3) == "null" then
        return {kind = "null", o = i - 1, n = 4}, i + 4
    end
    local from, to = s:find("^-?%d+%.?%d*[eE]?[+-]?%d*", i)
    local value = from and tonumber(s:sub(from, to))
    if not value then
        T.misfit("no JSON value stands at byte %d", i - 1)
    end
    local is_whole = not s:sub(from, to):find("[%.eE]")
    local text = s:sub(from, to)
    return {kind = is_whole and "int" or "float", o = i - 1, n = #text, value = value, text = text}, to + 1
end

-- Return the JSON value in a frame. It raises a misfit.
function json.parse(frame, encoding)
    local r = {s = frame.s, text = function(at, size) return T.text(frame.tvb(at, size), encoding) end}
    local value, after = parse_value(r, 1, 0)
    if blanks(frame.s, after) <= #frame.s then
        T.misfit("something stands behind the JSON value")
    end
    return value
end

-- Return a plain value for comparisons.
local function plain(value)
    if value.kind == "null" or value.kind == "map" or value.kind == "list" then
        return nil
    end
    return value.value
end

local json_node

-- Return the node of a value whose form is not declared.
local function any_node(value, f, s)
    local text = value.kind == "text" and value.value or T.visible(s:sub(value.o + 1, value.o + value.n))
    return {f = f, o = value.o, n = value.n, v = text, val = text}
end

json_node = function(form, value, s)
    local kind = form.type
    if kind == "ref" then
        form = names[form.to]
        kind = form.type
    end
    local node = {f = form.f, o = value.o, n = value.n, val = plain(value)}
    if kind == "union" then
        for _, member in ipairs(form.members) do
            local found = json_node(member, value, s)
            if found and not found.fault then
                return found
            end
        end
    elseif value.kind == "null" and kind ~= "null" then
        node.f, node.label, node.val = nil, "null", "null"
        return node
    elseif kind == "record" and value.kind == "map" then
        node.kids, node.record, node.val = {}, true, {}
        for _, field in ipairs(form.fields) do
            local found = value.keys[field.key]
            if found then
                local kid = json_node(field.form, found, s)
                kid.name = field.name
                node.kids[#node.kids + 1], node.val[field.name] = kid, kid.val
            end
        end
        return node
    elseif (kind == "list" or kind == "tuple") and value.kind == "list" then
        node.kids, node.flat, node.val = {}, true, {n = #value.items}
        for i, item in ipairs(value.items) do
            local inner = kind == "list" and form.item or form.items[i]
            local kid = inner and json_node(inner, item, s) or any_node(item, nil, s)
            node.kids[i], node.val[i] = kid, kid.val
        end
        return node
    elseif kind == "map" and value.kind == "map" then
        node.kids, node.record, node.val = {}, true, {}
        for i, member in ipairs(value.members) do
            local kid = json_node(form.item, member, s)
            kid.name, kid.prefix = member.key, member.key
            node.kids[i], node.val[member.key] = kid, kid.val
        end
        return node
    elseif (kind == "int" or kind == "flags") and value.kind == "int" then
        node.v, node.words = T.int64(value.text), value.text
        if not node.v then
            node.f, node.label = nil, value.text
        end
        return node
    elseif (kind == "float" or kind == "decimal") and (value.kind == "int" or value.kind == "float") then
        node.v = value.value
        return node
    elseif kind == "bool" and value.kind == "bool" then
        node.v = value.value
        return node
    elseif kind == "choice" then
        for _, each in ipairs(form.values) do
            if each.value == value.value then
                node.v = form.is_int and T.int64(value.text) or not form.is_int and T.shown(value.value) or nil
                node.label, node.append = each.name, each.name ~= nil
                return node
            end
        end
        node.v = form.is_int and value.kind == "int" and T.int64(value.text) or nil
        node.fault = "is none of the declared values"
        node.f = node.v and node.f or nil
        return node
    elseif kind == "any" then
        return any_node(value, form.f, s)
    elseif kind == "null" and value.kind == "null" then
        node.f = nil
        return node
    elseif value.kind == "text" and (kind == "text" or kind == "bytes" or form.is_text) then
        node.v = value.value
        return node
    end
    local other = any_node(value, nil, s)
    other.fault = "is not of the declared type"
    other.label = other.val
    return other
end

local function is_always(rule, value)
    if value.kind ~= "map" and value.kind ~= "list" then
        if plain(value) == rule.always then
            return true
        end
        for _, each in ipairs(rule["or"] or {}) do
            if type(each) == "table" then
                if type(value.value) == "number" and value.value >= each[1] and value.value <= each[2] then
                    return true
                end
            elseif plain(value) == each then
                return true
            end
        end
        return rule.more_always and type(plain(value)) == type(rule.always)
    end
    return rule.always == nil and value.kind == "null"
end

-- Return true if an object has the constant members of a message.
local function has_constants(members, value)
    if value.kind ~= "map" and value.kind ~= "list" then
        return false
    end
    for i, rule in ipairs(members) do
        local found = value.kind == "map" and value.keys[rule.key] or value.kind == "list" and value.items[i]
        if rule.always ~= nil or rule.always_null then
            if not found then
                if not rule.optional then
                    return false
                end
            elseif not (rule.always_null and found.kind == "null") and not is_always(rule, found) then
                return false
            end
        elseif rule.members then
            if found and not has_constants(rule.members, found) then
                return false
            elseif not found and rule.what == "fault" then
                return false
            end
        elseif not found and not rule.optional and not rule.has_default then
            return false
        end
    end
    return true
end

local function add_members(members, value, s, into)
    for i, rule in ipairs(members) do
        local found = value.kind == "map" and value.keys[rule.key] or value.kind == "list" and value.items[i]
        if found then
            found.declared = true
            if rule.members and (found.kind == "map" or found.kind == "list") then
                add_members(rule.members, found, s, into)
            elseif rule.what == "id" then
                into.values.id = plain(found)
                into.nodes[#into.nodes + 1] = any_node(found, rule.f, s)
                into.nodes[#into.nodes].quiet = true
            elseif rule.form then
                local node = json_node(rule.form, found, s)
                node.name = rule.name or rule.what
                into.nodes[#into.nodes + 1] = node
                into.values[node.name], into.params[node.name] = node.val, node.val
            else
                local node = any_node(found, rule.f, s)
                node.quiet = true
                into.nodes[#into.nodes + 1] = node
            end
        end
    end
end

-- Read an object as a message with these members. Return what is to be shown, or nil if it is another one.
function json.message(value, part, frame)
    if not has_constants(part.members, value) then
        return nil
    end
    local into = {nodes = {}, values = {}, params = {}, faults = {}, value = value}
    add_members(part.members, value, frame.s, into)
    local ignored = part.ignored or {}
    for _, member in ipairs(value.members or {}) do
        if not member.declared and not ignored[member.key] and not (part.word_keys or {})[member.key] then
            local node = {o = member.from, n = member.o + member.n - member.from, quiet = true}
            node.title = "undeclared key " .. member.key
            if not part.ignore_unknown then
                node.fault = "the key is not in the declaration"
            end
            into.nodes[#into.nodes + 1] = node
        end
        member.declared = nil
    end
    return into
end

json.has_constants = has_constants
