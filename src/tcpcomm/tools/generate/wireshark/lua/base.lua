-- Numbers, bits and text, by arithmetic that all versions of Lua in Wireshark have.

local T = {}  -- tools

-- Return the operation of two numbers of up to 52 bits, nibble by nibble.
local function bitwise(operation)
    local known = {}
    for a = 0, 15 do
        for b = 0, 15 do
            local value, place = 0, 1
            for _ = 1, 4 do
                if operation(math.floor(a / place) % 2, math.floor(b / place) % 2) then
                    value = value + place
                end
                place = place * 2
            end
            known[a * 16 + b] = value
        end
    end
    return function(a, b)
        local value, place = 0, 1
        while a > 0 or b > 0 do
            local low_a, low_b = a % 16, b % 16
            value = value + known[low_a * 16 + low_b] * place
            a, b, place = math.floor((a - low_a) / 16), math.floor((b - low_b) / 16), place * 16
        end
        return value
    end
end

T.bxor = bitwise(function(a, b) return a ~= b end)
T.band = bitwise(function(a, b) return a == 1 and b == 1 end)
T.bor = bitwise(function(a, b) return a == 1 or b == 1 end)

-- Raise an error with words for people. Others than these are defects of the dissector.
function T.misfit(text, ...)
    error({misfit = string.format(text, ...)}, 0)
end

-- Call a function. Return its result, or nil and the words of a misfit.
function T.try(f, ...)
    local found = {pcall(f, ...)}
    if found[1] then
        return found[2], found[3]
    end
    local problem = found[2]
    if type(problem) == "table" and problem.misfit then
        return nil, problem.misfit
    end
    error(problem, 0)
end

-- Return bytes as hexadecimal digits in pairs, at most 40 of them.
function T.hex(bytes)
    local shown = bytes:sub(1, 40):gsub(".", function(c) return string.format("%02X ", c:byte()) end)
    return (shown:gsub(" $", "")) .. (#bytes > 40 and " …" or "")
end

-- Return bytes as text that a tree can show.
function T.visible(bytes)
    return (bytes:gsub("[%z\1-\31\127]", function(c) return string.format("\\x%02x", c:byte()) end))
end

-- Return the number in some bytes; beyond 52 bits it is not exact.
function T.number(bytes, little, signed)
    local value = 0
    for i = 1, #bytes do
        value = value * 256 + bytes:byte(little and #bytes + 1 - i or i)
    end
    if signed and #bytes > 0 and bytes:byte(little and #bytes or 1) >= 128 then
        value = value - 256 ^ #bytes
    end
    return math.floor(value)
end

-- Return the bytes of pairs of hexadecimal digits, or nil.
function T.from_hex(digits)
    if #digits % 2 == 1 or digits:find("[^%x]") then
        return nil
    end
    return (digits:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- Return a number as text, without the decimal point of a whole number.
function T.shown(value)
    if type(value) == "number" and value == math.floor(value) and math.abs(value) < 2 ^ 53 then
        return string.format("%d", value)
    elseif type(value) == "number" then
        return string.format("%.7g", value)
    end
    return tostring(value)
end

-- Return a whole number that is written in decimal digits, or nil if it has more than 64 bits.
function T.int64(text)
    local sign, digits = text:match("^([+-]?)0*(%d+)$")
    if not digits or #digits > 19 then
        return nil
    end
    local value, billion = Int64(0), Int64(1000000000)
    for chunk in (("0"):rep(27 - #digits) .. digits):gmatch("%d%d%d%d%d%d%d%d%d") do
        value = value * billion + Int64(tonumber(chunk))
    end
    value = sign == "-" and -value or value
    return tostring(value) == (sign == "-" and digits ~= "0" and "-" or "") .. digits and value or nil
end

-- Return a Tvb of these bytes, which Wireshark shows in a tab of its own.
function T.tvb(bytes, name)
    local digits = bytes:gsub(".", function(c) return string.format("%02x", c:byte()) end)
    return ByteArray.new(digits):tvb(name)
end

local encodings = {
    ascii = ENC_ASCII, ["utf-8"] = ENC_UTF_8, ["utf-8-sig"] = ENC_UTF_8, ["latin-1"] = ENC_ISO_8859_1,
    ["iso8859-1"] = ENC_ISO_8859_1, cp949 = ENC_EUC_KR, ["euc-kr"] = ENC_EUC_KR, euc_kr = ENC_EUC_KR,
    shift_jis = ENC_SHIFT_JIS, cp932 = ENC_SHIFT_JIS, cp437 = ENC_CP437, cp1250 = ENC_WINDOWS_1250,
    cp1251 = ENC_WINDOWS_1251, cp1252 = ENC_WINDOWS_1252, gb18030 = ENC_GB18030, gbk = ENC_GB18030,
    gb2312 = ENC_GB18030,
    ["utf-16-le"] = ENC_UTF_16 and ENC_UTF_16 + ENC_LITTLE_ENDIAN,
    ["utf-16-be"] = ENC_UTF_16 and ENC_UTF_16 + ENC_BIG_ENDIAN,
}

-- Return the number by which Wireshark knows an encoding, or nil.
function T.encoding(name)
    return encodings[name]
end

-- Return the text in a range. An encoding that Wireshark lacks is shown as ASCII with escapes.
function T.text(range, encoding)
    if range:len() == 0 then
        return ""
    end
    local bytes, known = range:raw(), encodings[encoding]
    local is_wide = encoding:find("^utf%-16") ~= nil
    if not is_wide and not bytes:find("[\128-\255]") then
        return T.visible(bytes)
    elseif not known then
        return T.visible((bytes:gsub("[\128-\255]", function(c)
            return string.format("\\x%02x", c:byte())
        end)))
    elseif encoding:find("^utf%-8") then
        return T.visible(range:string(known))
    end
    -- Wireshark cuts the text to as many bytes as it had before, so a mark and blanks stand behind it.
    local mark = encoding == "utf-16-le" and "\1\0" or encoding == "utf-16-be" and "\0\1" or "\1"
    local blanks = (" "):rep(2 * #bytes + 2)
    local text = T.tvb(bytes .. mark .. blanks, "Text"):range():string(known)
    return T.visible(text:match("^(.*)\1") or text)
end

local unpack_values = table.unpack or unpack  -- the name before Lua 5.2

-- Return the bytes of the character at a place (from 1 on), in an encoding that keeps ASCII.
function T.character(s, place, encoding)
    local first = s:byte(place) or 0
    if first < 128 then
        return 1
    elseif encoding == "utf-8" or encoding == "utf-8-sig" then
        return first >= 240 and 4 or first >= 224 and 3 or 2
    elseif encoding == "shift_jis" or encoding == "cp932" then
        return first >= 161 and first <= 223 and 1 or 2
    elseif encoding:find("^cp949") or encoding:find("^euc") or encoding:find("^gb") then
        return 2
    end
    return 1
end
