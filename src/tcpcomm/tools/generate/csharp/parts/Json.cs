/// <summary>Values of JSON.</summary>
internal static class Json
{

    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <summary>Write a value: null, bool, a number, string, byte[], a JsonObject, or a list of these.</summary>
    public static string Write(object value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    private static void Write(object value, StringBuilder text)
    {
        var members = value as JsonObject;
        var items = value as IEnumerable;
        if (value == null)
            text.Append("null");
        else if (value is bool)
            text.Append((bool)value ? "true" : "false");
        else if (value is string)
            WriteString((string)value, text);
        else if (value is byte[])
            WriteString(Convert.ToBase64String((byte[])value), text);
        else if (members != null)
            WriteMembers(members, text);
        else if (items != null)
            WriteItems(items, text);
        else if (value is double || value is float)
            text.Append(Shortest(Convert.ToDouble(value, Invariant)));
        else
            text.Append(Convert.ToString(value, Invariant));
    }

    private static void WriteMembers(JsonObject members, StringBuilder text)
    {
        string between = "{";
        foreach (KeyValuePair<string, object> each in members)
        {
            text.Append(between);
            WriteString(each.Key, text);
            text.Append(':');
            Write(each.Value, text);
            between = ",";
        }
        text.Append(between == "{" ? "{}" : "}");
    }

    private static void WriteItems(IEnumerable items, StringBuilder text)
    {
        string between = "[";
        foreach (object each in items)
        {
            text.Append(between);
            Write(each, text);
            between = ",";
        }
        text.Append(between == "[" ? "[]" : "]");
    }

    private static void WriteString(string value, StringBuilder text)
    {
        text.Append('"');
        foreach (char each in value)
        {
            int known = "\"\\\b\f\n\r\t".IndexOf(each);
            if (known >= 0)
                text.Append('\\').Append("\"\\bfnrt"[known]);
            else if (MUST_ESCAPE)
                text.Append("\\u").Append(((int)each).ToString("x4", Invariant));
            else
                text.Append(each);
        }
        text.Append('"');
    }

    /// <summary>Write a number with the shortest digits that read the same.</summary>
    private static string Shortest(double value)
    {
        if (double.IsNaN(value) || double.IsInfinity(value))
            throw new ArgumentException("JSON has no number for " + value);
        string text = value.ToString("R", Invariant);
        if (double.Parse(text, Invariant) != value)
            text = value.ToString("G17", Invariant);
        return text.IndexOfAny(new[] { '.', 'E' }) < 0 ? text + ".0" : text;
    }

    private static FormatException Wrong(string expected, object value)
    {
        return new FormatException(Write(value) + " must be " + expected);
    }

    /// <summary>Check that a value is null.</summary>
    public static void Null(object value)
    {
        if (value != null)
            throw Wrong("null", value);
    }

    public static bool Bool(object value)
    {
        if (value is bool)
            return (bool)value;
        throw Wrong("true or false", value);
    }

    public static long Long(object value)
    {
        if (value is long)
            return (long)value;
        throw Wrong("a whole number", value);
    }

    public static int Int(object value)
    {
        long number = Long(value);
        if (number < int.MinValue || number > int.MaxValue)
            throw Wrong("a whole number that fits into 32 bits", value);
        return (int)number;
    }

    public static double Double(object value)
    {
        if (value is double)
            return (double)value;
        return Long(value);
    }

    public static string String(object value)
    {
        return value as string ?? ThrowWrong<string>("a text", value);
    }

    private static T ThrowWrong<T>(string expected, object value)
    {
        throw Wrong(expected, value);
    }

    public static byte[] Bytes(object value)
    {
        return Convert.FromBase64String(String(value));
    }

    public static JsonObject Object(object value)
    {
        return value as JsonObject ?? ThrowWrong<JsonObject>("an object", value);
    }

    public static List<T> List<T>(object value, Func<object, T> read)
    {
        List<object> items = value as List<object> ?? ThrowWrong<List<object>>("a list", value);
        return items.ConvertAll(each => read(each));
    }

    /// <summary>Return the values of a list that has this many.</summary>
    public static List<object> Items(object value, int count)
    {
        List<object> items = value as List<object> ?? ThrowWrong<List<object>>("a list", value);
        if (items.Count != count)
            throw Wrong("a list with " + count + " values", value);
        return items;
    }

    public static Dictionary<string, T> Map<T>(object value, Func<object, T> read)
    {
        var found = new Dictionary<string, T>();
        foreach (KeyValuePair<string, object> each in Object(value))
            found.Add(each.Key, read(each.Value));
        return found;
    }

    /// <summary>Make an object of a dictionary.</summary>
    public static JsonObject FromMap<T>(IReadOnlyDictionary<string, T> values, Func<T, object> write)
    {
        var found = new JsonObject();
        foreach (KeyValuePair<string, T> each in values)
            found.Add(each.Key, write(each.Value));
        return found;
    }

    public static string WriteDate(DateTime value)
    {
        return value.ToString("yyyy-MM-dd", Invariant);
    }

    public static string WriteDateTime(DateTime value)
    {
        string format = value.Kind == DateTimeKind.Unspecified ? "yyyy-MM-ddTHH:mm:ss.FFFFFF" : "yyyy-MM-ddTHH:mm:ss.FFFFFFK";
        return value.ToString(format, Invariant);
    }

    public static string WriteTime(TimeSpan value)
    {
        return (DateTime.MinValue + value).ToString("HH:mm:ss.FFFFFF", Invariant);
    }

    public static DateTime Date(object value)
    {
        DateTime found;
        if (!DateTime.TryParseExact(String(value), "yyyy-MM-dd", Invariant, DateTimeStyles.None, out found))
            throw Wrong("a date such as 2026-12-31", value);
        return found;
    }

    public static DateTime DateAndTime(object value)
    {
        DateTime found;
        if (!DateTime.TryParse(String(value), Invariant, DateTimeStyles.RoundtripKind, out found))
            throw Wrong("a date and a time such as 2026-12-31T23:59:59", value);
        return found;
    }

    public static TimeSpan Time(object value)
    {
        TimeSpan found;
        if (!TimeSpan.TryParse(String(value), Invariant, out found))
            throw Wrong("a time such as 23:59:59", value);
        return found;
    }
}
