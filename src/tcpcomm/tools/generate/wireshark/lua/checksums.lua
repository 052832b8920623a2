-- Checksums by their parameters.

local checksums = {}

function checksums.xor(bytes)
    local value = 0
    for i = 1, #bytes do
        value = T.bxor(value, bytes:byte(i))
    end
    return value
end

function checksums.sum(bytes, rule)
    local value = 0
    for i = 1, #bytes do
        value = value + bytes:byte(i)
    end
    return value % 256 ^ rule.width
end

function checksums.lrc(bytes)
    return (256 - checksums.sum(bytes, {width = 1})) % 256
end

function checksums.crc(bytes, rule)
    local size = 256 ^ rule.width
    local top = size / 256
    if not rule.table then
        rule.table = {}
        for byte = 0, 255 do
            local value = rule.reflected and byte or byte * top
            for _ = 1, 8 do
                if rule.reflected then
                    local low = value % 2
                    value = math.floor(value / 2)
                    value = low == 1 and T.bxor(value, rule.poly) or value
                else
                    value = value * 2
                    value = value >= size and T.bxor(value - size, rule.poly) or value
                end
            end
            rule.table[byte] = value
        end
    end
    local value = rule.init
    for i = 1, #bytes do
        if rule.reflected then
            value = T.bxor(math.floor(value / 256), rule.table[T.bxor(value % 256, bytes:byte(i))])
        else
            local index = T.bxor(math.floor(value / top), bytes:byte(i))
            value = T.bxor((value % top) * 256, rule.table[index])
        end
    end
    return T.bxor(value, rule.xorout)
end

-- Return the bytes of a checksum as they are written, or nil if it is unknown here.
local function checksum_of(rule, bytes)
    local compute = checksums[rule.kind]
    if not compute then
        return nil
    end
    local value = compute(bytes, rule)
    if rule.form == "hex" then
        return string.format("%0" .. rule.size .. "X", value)
    elseif rule.form == "decimal" then
        return string.format("%0" .. rule.size .. "d", value)
    end
    local written = {}
    for i = 1, rule.width do
        written[rule.form == "big" and rule.width + 1 - i or i] = string.char(value % 256)
        value = math.floor(value / 256)
    end
    return table.concat(written)
end

-- Return nil if a checksum is right or unknown here, else the words for an expert information.
local function checksum_fault(rule, bytes, received)
    local right = checksum_of(rule, bytes)
    if not right or (rule.form == "hex" and received:upper() or received) == right then
        return nil
    end
    local is_text = rule.form == "hex" or rule.form == "decimal"
    return string.format(
        "the checksum (%s) is %s, and it should be %s", rule.name,
        is_text and T.visible(received) or T.hex(received), is_text and right or T.hex(right))
end
