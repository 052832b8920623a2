-- Templates: lines of text with fields. A reading is found by trying, and what fits all parts wins.

local template = {}
local shapes = {  -- what a number can look like, by its type
    int = "^ ?[+-]?%d+",
    hex = "^ ?[+-]?%x+",
    real = "^ ?[+-]?%d*%.?%d*[eE]?[+-]?%d*",
}

local match_parts

local function spend(r)
    r.steps = r.steps + 1
    if r.steps > 50000 then
        T.misfit("the text has too many readings to try")
    end
end

-- Return the place behind so many characters or bytes from a place, or nil.
local function behind_width(r, part, at)
    if part.unit == "bytes" then
        return at + part.width <= #r.s and at + part.width or nil
    end
    for _ = 1, part.width do
        if at >= #r.s then
            return nil
        end
        at = at + T.character(r.s, at + 1, r.encoding)
    end
    return at <= #r.s and at or nil
end

local function without_fill(part, text)
    local fill = part.fill or " "
    if fill == "" then
        return text
    end
    local from, to = 1, #text
    if part.align ~= "left" then
        while text:sub(from, from + #fill - 1) == fill and from <= to do
            from = from + #fill
        end
    end
    if part.align ~= "right" then
        while to >= from and text:sub(to - #fill + 1, to) == fill do
            to = to - #fill
        end
    end
    return text:sub(from, to)
end

-- Return the number of a computer in hexadecimal digits, or nil.
local function computer_number(part, text)
    if #text == 0 or text:find("[^%x]") or (part.order == "little" and #text % 2 == 1) then
        return nil
    end
    if part.computer == "float" then
        local bytes = T.from_hex(text)
        if not bytes or (#bytes ~= 4 and #bytes ~= 8) then
            return nil
        end
        local range = T.tvb(bytes, "a number"):range()
        return part.order == "little" and range:le_float() or range:float()
    end
    local bytes = T.from_hex(#text % 2 == 1 and "0" .. text or text)
    local value = T.number(bytes, part.order == "little")
    if part.computer == "signed" and value >= 2 ^ (part.bits - 1) then
        value = value - 2 ^ part.bits
    end
    return math.floor(value)
end

-- Return the value of a number that is written as a text, or nil.
local function number_in(part, text)
    if part.computer then
        return computer_number(part, text)
    end
    if part.align == "behind the sign" then
        local sign, digits = text:match("^([+-]?)(.*)$")
        text = sign .. without_fill({fill = part.fill, align = "right"}, digits)
    elseif part.width then
        text = without_fill({fill = part.fill}, text)
    end
    text = text:gsub("^ ", ""):gsub("^%+", "")
    local value
    if part.kind == "int" and (part.letter == "x" or part.letter == "X") then
        local sign, digits = text:match("^(%-?)(%x+)$")
        value = digits and tonumber(digits, 16) * (sign == "-" and -1 or 1)
    elseif part.kind == "int" or part.scale then
        value = text:find("^%-?%d+$") and tonumber(text)
    else
        local lower = text:lower()
        if lower == "nan" or lower == "inf" or lower == "-inf" then
            value = lower == "nan" and 0 / 0 or lower == "inf" and math.huge or -math.huge
        else
            value = text:find("^%-?[%d%.]") and text:find("%d") and tonumber(text)
        end
    end
    if not value then
        return nil
    end
    return part.scale and value / part.scale or value
end

-- Return the bytes of hexadecimal digits, or nil.
local function bytes_in(text)
    return not text:find("%s") and T.from_hex(text) or nil
end

-- Return the node of a field between two places, or nil if its text cannot be one.
local function field_node(r, part, at, stop)
    local text = r.s:sub(at + 1, stop)
    local node = {f = part.f, o = at, n = stop - at, name = part.name, quiet = part.quiet}
    local kind = part.kind
    if kind == "int" or kind == "float" then
        node.val = number_in(part, text)
        node.v = node.val
        if node.val and kind == "int" then
            local digits = not part.computer and not part.letter and text:match("%-?%d+$")
            node.v = digits and T.int64(digits) or Int64(node.val)
            node.label = part.labels and part.labels[node.val]
            node.append = node.label ~= nil
            if part.labels and not node.label then
                return nil
            end
        end
        if node.val == nil then
            return nil
        end
    elseif kind == "words" then
        local found = part.words[part.any_case and text:upper() or text]
        if found == nil then
            return nil
        end
        node.val, node.v = found, found
    elseif kind == "bytes" then
        if part.letter == "block" or part.letter == "raw" then
            node.val = T.hex(text)
        else
            local bytes = bytes_in(text)
            if not bytes then
                return nil
            end
            node.val, node.is_hex = T.hex(bytes), #text > 0
        end
        if part.letter == "block" then
            local head = 2 + tonumber(text:sub(2, 2))
            node.o, node.n, node.val = at + head, #text - head, T.hex(text:sub(head + 1))
        end
    else
        local from, to = at, stop
        if part.letter == "q" then
            from, to = at + 1, stop - 1
        end
        if part.width then
            local inner = without_fill({fill = part.fill, align = part.align or "left"}, text)
            from = at + (#inner > 0 and text:find(inner, 1, true) - 1 or 0)
            to = from + #inner
        end
        local has_quotes = part.letter == "q" and text:sub(2, -2):find('""', 1, true)
        if has_quotes or (#r.escapes > 0 and text:find("&", 1, true)) then
            local value = T.text(r.tvb(from, to - from), r.encoding)
            value = has_quotes and value:gsub('""', '"') or value
            for _, escape in ipairs(r.escapes) do
                value = value:gsub(escape[1], escape[2])
            end
            node.val, node.v = value, value
        else
            node.o, node.n, node.text = from, to - from, r.encoding
        end
    end
    return node
end

-- Call a function with each place where a field can end, until it returns true.
local function each_end(r, part, at, following, try)
    local s = r.s
    if part.letter == "raw" then
        return try(#s)
    elseif part.letter == "block" then
        local width = tonumber(s:match("^#([1-9])", at + 1))
        local size = width and tonumber(s:match("^" .. ("%d"):rep(width), at + 3))
        return size and at + 2 + width + size <= #s and try(at + 2 + width + size) or false
    elseif part.width then
        local stop = behind_width(r, part, at)
        return stop and try(stop) or false
    elseif part.kind == "words" then
        for _, word in ipairs(part.order_of_words) do
            local found = s:sub(at + 1, at + #word)
            if (found == word or (part.any_case and found:upper() == word)) and try(at + #word) then
                return true
            end
        end
        return false
    elseif part.kind == "int" or part.kind == "float" then
        local is_hex = part.computer or part.letter == "x" or part.letter == "X"
        local shape = is_hex and shapes.hex or (part.kind == "int" or part.scale) and shapes.int or shapes.real
        local _, longest = s:find(shape, at + 1)
        if part.kind == "float" and not is_hex then
            local word = s:match("^-?[nNiI][aAnN][nNfF]", at + 1)
            longest = word and at + #word or longest
        end
        for stop = longest or at, at + 1, -1 do
            if try(stop) then
                return true
            end
        end
        return false
    elseif part.letter == "q" then
        local _, stop = s:find('^"', at + 1)
        while stop do
            stop = s:find('"', stop + 1, true)
            if stop and s:sub(stop + 1, stop + 1) == '"' then
                stop = stop + 1
            else
                return stop and try(stop) or false
            end
        end
        return false
    elseif part.kind == "bytes" then
        local _, longest = s:find("^%x*", at + 1)
        for stop = longest - (longest - at) % 2, at, -2 do
            if try(stop) then
                return true
            end
        end
        return false
    end
    if following == nil then  -- nothing follows
        return try(#s)
    elseif following ~= "" then
        local stop = at
        while true do
            stop = s:find(following, stop + 1, true)
            if not stop then
                return false
            elseif try(stop - 1) then
                return true
            end
        end
    end
    for stop = at, #s do
        if try(stop) then
            return true
        end
    end
    return false
end

-- Return the text behind a part: nil if nothing follows, and "" if it is not always the same.
local function text_behind(parts, i, after)
    local following = parts[i + 1]
    if not following then
        return after
    end
    return following.text or ""
end

-- Match the items of a list, and then what follows.
local function match_items(r, part, at, nodes, count, behind)
    local item = part.item
    local function next_item(stop)
        if stop == at then
            return false
        end
        local follows = part.separator
        if r.s:sub(stop + 1, stop + #follows) == follows
            and match_items(r, part, stop + #follows, nodes, count + 1, behind) then
            return true
        end
        return behind(stop, count + 1)
    end
    if item.parts then
        local size = #nodes
        if match_parts(r, item.parts, 1, at, nodes, next_item, "") then
            return true
        end
        for i = #nodes, size + 1, -1 do
            nodes[i] = nil
        end
        return false
    end
    local follows = part.separator ~= "" and part.separator or ""
    local function try(stop)
        spend(r)
        local node = field_node(r, item, at, stop)
        if not node then
            return false
        end
        nodes[#nodes + 1] = node
        if next_item(stop) then
            return true
        end
        nodes[#nodes] = nil
        return false
    end
    if item.kind == "text" and not item.width and not item.letter then
        -- an item ends at a separator, or where the list ends
        local stop = at
        while true do
            local found = r.s:find(follows, stop + 1, true)
            if found and try(found - 1) then
                return true
            elseif not found then
                break
            end
            stop = found
        end
        return each_end(r, item, at, "", try)
    end
    return each_end(r, item, at, "", try)
end

-- Call a function with the places where a header of SCPI can end, until it returns true. Each of its words
-- has a short and a long form. Behind another command of the line, the first words may be left out.
local function each_header(r, part, i, at, begun, try)
    local node = part.nodes[i]
    if not node then
        if not begun then
            return false
        end
        local _, query = r.s:find("^%?", at + 1)
        at = query or at
        if (query ~= nil) ~= part.is_query or r.s:find("^[%w:?]", at + 1) then
            return false
        end
        local _, blank = r.s:find("^ +", at + 1)
        return try(blank or at)
    end
    local _, colon = r.s:find("^:", at + 1)
    local from = colon or at
    if colon or not begun then
        local word = r.s:match("^%w+", from + 1)
        local upper = word and word:upper()
        if upper and (upper == node.long or upper == node.short)
            and each_header(r, part, i + 1, from + #word, true, try) then
            return true
        end
    end
    if node.optional or (not begun and r.is_relative) then
        return each_header(r, part, i + 1, at, begun, try)
    end
    return false
end

-- Match the parts from the i-th on at a place. Call behind with the place where they end.
match_parts = function(r, parts, i, at, nodes, behind, after)
    spend(r)
    local part = parts[i]
    if not part then
        return behind(at)
    elseif part.text then
        local found = r.s:sub(at + 1, at + #part.text)
        if found ~= part.text and not (r.any_case and found:upper() == part.text:upper()) then
            return false
        end
        return match_parts(r, parts, i + 1, at + #part.text, nodes, behind, after)
    elseif part.nodes then
        return each_header(r, part, 1, at, false, function(stop)
            return match_parts(r, parts, i + 1, stop, nodes, behind, after)
        end)
    elseif part.list then
        local holder = {name = part.list, kids = {}, flat = true, o = at, n = 0, val = {n = 0}}
        nodes[#nodes + 1] = holder
        local function after_items(stop, count)
            holder.n, holder.val.n = stop - at, count
            return match_parts(r, parts, i + 1, stop, nodes, behind, after)
        end
        if match_items(r, part, at, holder.kids, 0, after_items) or after_items(at, 0) then
            return true
        end
        nodes[#nodes] = nil
        return false
    elseif part.optional then
        local size = #nodes
        local function after_optional(stop)
            return match_parts(r, parts, i + 1, stop, nodes, behind, after)
        end
        if match_parts(r, part.optional, 1, at, nodes, after_optional, text_behind(parts, i, after)) then
            return true
        end
        for j = #nodes, size + 1, -1 do
            nodes[j] = nil
        end
        return after_optional(at)
    end
    return each_end(r, part, at, text_behind(parts, i, after), function(stop)
        spend(r)
        local node = field_node(r, part, at, stop)
        if not node then
            return false
        end
        node.role = part.role
        node.count = part.count
        nodes[#nodes + 1] = node
        if match_parts(r, parts, i + 1, stop, nodes, behind, after) then
            return true
        end
        nodes[#nodes] = nil
        return false
    end)
end

-- Read a frame by a template. Return what is to be shown, or nil if it does not fit.
function template.message(frame, form)
    local r = {
        s = frame.s, tvb = frame.tvb, encoding = form.encoding, escapes = form.escapes or {}, steps = 0,
        any_case = form.any_case, is_relative = frame.is_relative,
    }
    local at = 0
    if form.wide then  -- an encoding whose bytes are not those of ASCII
        local text = T.text(frame.tvb:range(), form.encoding)
        r.s, r.encoding = text, "utf-8"
        if not form.wide_frame or form.wide_frame.s ~= frame.s then
            form.wide_frame = {s = frame.s, tvb = #text > 0 and T.tvb(text, "Text") or frame.tvb}
        end
        r.tvb = form.wide_frame.tvb
    end
    if form.first then  -- an XML document: its declaration may be missing, and <a/> is <a></a>
        local text = r.s:gsub("<([^%s<>/\"?!]+)([^<>]*)/>", "<%1%2></%1>")
        if text ~= r.s then
            r.s = text
            frame.xml = frame.xml or T.tvb(text, "XML with all tags")
            r.tvb = frame.xml
        end
        local _, stop = r.s:find("^<%?.-%?>%s*")
        at = stop or 0
    end
    for _, text in ipairs(form.special or {}) do  -- another frame has exactly this text
        if r.s:sub(at + 1) == text then
            return nil
        end
    end
    local nodes = {}
    local whole_text = function(stop)
        return stop == #r.s or (form.first ~= nil and r.s:find("^%s*$", stop + 1) ~= nil)
    end
    local fits = match_parts(r, form.parts, 1, at, nodes, whole_text, nil)
    if not fits then
        return nil
    end
    local values = {}
    for _, node in ipairs(nodes) do
        node.tvb = r.tvb
        if node.name then
            values[node.name] = node.val
        end
        if node.role == "id" then
            values.id, node.quiet = node.val, true
        end
        if node.count then
            values["#" .. node.count] = node.val
        end
    end
    return {nodes = nodes, values = values, params = values, faults = {}}
end
