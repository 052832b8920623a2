/// <summary>Values as text, in the same way in every country.</summary>
internal static class Text
{

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    private const string Number = @"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?";

    /// <summary>Make the pattern of a message, with {number}, {whole} and {hex} for the forms of numbers.</summary>
    public static Regex Line(string pattern)
    {
        return new Regex(@"\A" + Filled(pattern) + @"\z", RegexOptions.Singleline | RegexOptions.CultureInvariant);
    }

    /// <summary>Make the pattern of an item of a list, and of the separator behind it.</summary>
    public static Regex Item(string pattern, string separator)
    {
        string end = separator == "" ? "" : "(?:" + Regex.Escape(separator) + @"|\z)";
        return new Regex(@"\G" + Filled(pattern) + end, RegexOptions.Singleline | RegexOptions.CultureInvariant);
    }

    private static string Filled(string pattern)
    {
        return pattern.Replace("{number}", Number).Replace("{whole}", "[+-]?[0-9]+").Replace("{hex}", "[0-9A-Fa-f]+");
    }

    /// <summary>Read the items of a list.</summary>
    public static List<T> Items<T>(Regex item, string text, Func<Match, T> read)
    {
        var items = new List<T>();
        for (int at = 0; at < text.Length;)
        {
            Match found = item.Match(text, at);
            if (!found.Success || found.Length == 0)
                throw new FormatException("\"" + text.Substring(at) + "\" is no item of a list");
            items.Add(read(found));
            at += found.Length;
        }
        return items;
    }

    /// <summary>Return a message that its reader can read.</summary>
    /// <exception cref="ArgumentException">A value has characters that end it, or does not fit.</exception>
    public static string Checked(string message, Regex pattern)
    {
        if (!pattern.IsMatch(message))
            throw new ArgumentException("\"" + message + "\" cannot be read as the message that it is to be");
        return message;
    }

    public static string Whole(long value)
    {
        return value.ToString(Invariant);
    }

    public static string Whole(decimal value)
    {
        return Math.Round(value).ToString("0", Invariant);
    }

    public static string Hex(long value, string format)
    {
        if (value < 0)
            throw new ArgumentException("a hexadecimal number cannot be negative");
        return value.ToString(format, Invariant);
    }

    public static string Fixed(double value, int decimals)
    {
        string text = Finite(value).ToString("F" + decimals, Invariant);
        return value < 0 && text[0] != '-' ? "-" + text : text;
    }

    public static string Fixed(decimal value, int decimals)
    {
        return Math.Round(value, decimals).ToString("F" + decimals, Invariant);
    }

    public static string Exponent(double value, int decimals, char letter)
    {
        string digits = decimals == 0 ? "0" : "0." + new string('0', decimals);
        return Finite(value).ToString(digits + letter + "+00", Invariant);
    }

    public static string General(double value, int digits, char letter)
    {
        return Finite(value).ToString(letter.ToString() + digits, Invariant);
    }

    /// <summary>Write a number with the shortest digits that read the same: 0.1, 5.0, 1e-07.</summary>
    public static string Shortest(double value)
    {
        string text = Finite(value).ToString("R", Invariant);
        if (double.Parse(text, Invariant) != value)
            text = value.ToString("G17", Invariant);
        int at = text.IndexOf('E');
        if (at < 0)
            return text.IndexOf('.') < 0 ? text + ".0" : text;
        int exponent = int.Parse(text.Substring(at + 1), NumberStyles.AllowLeadingSign, Invariant);
        string digits = text.Substring(0, at);
        if (exponent > 0 && exponent < 16)
        {
            string sign = digits[0] == '-' ? "-" : "";
            string all = digits.TrimStart('-').Replace(".", "").PadRight(exponent + 1, '0');
            string behind = all.Substring(exponent + 1);
            return sign + all.Substring(0, exponent + 1) + "." + (behind == "" ? "0" : behind);
        }
        return digits + "e" + exponent.ToString("+00;-00", Invariant);
    }

    public static string Shortest(decimal value)
    {
        return value.ToString(Invariant);
    }

    private static double Finite(double value)
    {
        if (double.IsNaN(value) || double.IsInfinity(value))
            throw new ArgumentException(value + " cannot be written as a number");
        return value;
    }

    /// <summary>Write as many decimals as a number has, and no exponent, in a width.</summary>
    public static string Free(double value, int width)
    {
        string text = ((decimal)Finite(value)).ToString("0.0##########################", Invariant);
        return text.Length > width && text.EndsWith(".0", StringComparison.Ordinal)
            ? text.Substring(0, text.Length - 2) : text;
    }

    public static string Free(decimal value, int width)
    {
        return value.ToString(Invariant);
    }

    /// <summary>Put a sign in front of a number that is not negative.</summary>
    public static string Signed(string number, string sign)
    {
        return number[0] == '-' ? number : sign + number;
    }

    /// <summary>Fill a number with zeros behind its sign.</summary>
    public static string Zeros(string number, int width)
    {
        string sign = "+- ".IndexOf(number[0]) >= 0 ? number.Substring(0, 1) : "";
        return Fits(sign + number.Substring(sign.Length).PadLeft(width - sign.Length, '0'), width);
    }

    /// <summary>Fill a number behind its sign.</summary>
    public static string BehindSign(string number, int width, char fill)
    {
        string sign = "+- ".IndexOf(number[0]) >= 0 ? number.Substring(0, 1) : "";
        return Fits(sign + number.Substring(sign.Length).PadLeft(width - sign.Length, fill), width);
    }

    public static string Left(string text, int width, char fill)
    {
        return Fits(text.PadRight(width, fill), width);
    }

    public static string Right(string text, int width, char fill)
    {
        return Fits(text.PadLeft(width, fill), width);
    }

    /// <summary>Fill a text up to a width in bytes.</summary>
    public static string LeftInBytes(string text, int width, char fill)
    {
        int room = width - Messages.Encoding.GetByteCount(text);
        return room < 0 ? Fits(text, 0) : text + new string(fill, room);
    }

    /// <summary>Fill a text up to a width in bytes.</summary>
    public static string RightInBytes(string text, int width, char fill)
    {
        int room = width - Messages.Encoding.GetByteCount(text);
        return room < 0 ? Fits(text, 0) : new string(fill, room) + text;
    }

    private static string Fits(string text, int width)
    {
        if (text.Length > width)
            throw new ArgumentException("\"" + text + "\" is too long");
        return text;
    }

    /// <summary>Cut a text that is too long.</summary>
    public static string Cut(string text, int width)
    {
        if (text.Length <= width)
            return text;
        return width <= 3 ? text.Substring(0, width) : text.Substring(0, width - 3) + "...";
    }

    /// <summary>Return the first characters of a text.</summary>
    public static string Begin(string text, int width)
    {
        return text.Length <= width ? text : text.Substring(0, width);
    }

    public static string Quoted(string text)
    {
        return "\"" + text.Replace("\"", "\"\"") + "\"";
    }

    public static string Hex(byte[] bytes, string format)
    {
        var digits = new StringBuilder();
        foreach (byte each in bytes)
            digits.Append(each.ToString(format, Invariant));
        return digits.ToString();
    }

    /// <summary>Write a number as the bits that a computer has for it.</summary>
    public static string Bits(long value, int bits, int digits, bool isLittle, bool isSigned)
    {
        long most = isSigned ? (1L << bits - 1) - 1 : bits == 64 ? long.MaxValue : (1L << bits) - 1;
        if (value > most || value < (isSigned ? -most - 1 : 0))
            throw new ArgumentException(value + " does not fit into " + bits + " bits");
        ulong number = (ulong)value & (bits == 64 ? ulong.MaxValue : (1UL << bits) - 1);
        return Ordered(number.ToString("X" + digits, Invariant), isLittle);
    }

    /// <summary>Write a number as the bits of a float of a computer.</summary>
    public static string FloatBits(double value, int bits, bool isLittle)
    {
        byte[] bytes = bits == 32 ? BitConverter.GetBytes((float)value) : BitConverter.GetBytes(value);
        if (BitConverter.IsLittleEndian)
            Array.Reverse(bytes);
        return Ordered(BitConverter.ToString(bytes).Replace("-", ""), isLittle);
    }

    private static string Ordered(string digits, bool isLittle)
    {
        if (!isLittle)
            return digits;
        var ordered = new StringBuilder();
        for (int at = digits.Length - 2; at >= 0; at -= 2)
            ordered.Append(digits, at, 2);
        return ordered.ToString();
    }

    public static long ParseWhole(string text)
    {
        long value;
        if (!long.TryParse(text.Replace(" ", ""), NumberStyles.AllowLeadingSign, Invariant, out value))
            throw new FormatException("\"" + text + "\" is no whole number that fits into 64 bits");
        return value;
    }

    public static long ParseHex(string text)
    {
        long value;
        if (!long.TryParse(text.Trim(), NumberStyles.AllowHexSpecifier, Invariant, out value) || value < 0)
            throw new FormatException("\"" + text + "\" is no hexadecimal number that fits into 63 bits");
        return value;
    }

    public static double ParseNumber(string text)
    {
        double value;
        if (!double.TryParse(text.Replace(" ", ""), NumberStyles.Float, Invariant, out value)
            || double.IsNaN(value) || double.IsInfinity(value))
            throw new FormatException("\"" + text + "\" is no number");
        return value;
    }

    public static decimal ParseDecimal(string text)
    {
        decimal value;
        if (!decimal.TryParse(text.Replace(" ", ""), NumberStyles.Float, Invariant, out value))
            throw new FormatException("\"" + text + "\" is no number");
        return value;
    }

    public static byte[] ParseBytes(string digits)
    {
        var bytes = new byte[digits.Length / 2];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = Convert.ToByte(digits.Substring(2 * i, 2), 16);
        return bytes;
    }

    public static string ParseQuoted(string text)
    {
        return text.Substring(1, text.Length - 2).Replace("\"\"", "\"");
    }

    public static long ParseBits(string digits, int bits, bool isLittle, bool isSigned)
    {
        ulong number = Convert.ToUInt64(Ordered(digits, isLittle), 16);
        if (!isSigned)
            return checked((long)number);
        return (long)(number << 64 - bits) >> 64 - bits;
    }

    public static double ParseFloatBits(string digits, int bits, bool isLittle)
    {
        byte[] bytes = ParseBytes(Ordered(digits, isLittle));
        if (BitConverter.IsLittleEndian)
            Array.Reverse(bytes);
        return bits == 32 ? BitConverter.ToSingle(bytes, 0) : BitConverter.ToDouble(bytes, 0);
    }

    /// <summary>Check a number that counts something else in the message.</summary>
    public static void CheckCount(string said, long found)
    {
        if (ParseWhole(said) != found)
            throw new FormatException("a count says " + said + ", but there are " + found);
    }

    /// <summary>Return a reason with escapes for the characters that its place cannot carry.</summary>
    public static string Reason(string reason, string stops)
    {
        var carried = new StringBuilder();
        foreach (char each in reason)
        {
            bool isCarried = each >= ' ' && stops.IndexOf(each) < 0 && Messages.CanCarry(each);
            carried.Append(isCarried ? each.ToString() : each < 256 ? "\\x" + ((int)each).ToString("x2", Invariant)
                : "\\u" + ((int)each).ToString("x4", Invariant));
        }
        return carried.ToString();
    }
}
