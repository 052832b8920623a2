/// <summary>A JSON object, whose members keep their order.</summary>
internal sealed class JsonObject : IEnumerable<KeyValuePair<string, object>>
{
    private readonly List<KeyValuePair<string, object>> _members = new List<KeyValuePair<string, object>>();
    private readonly Dictionary<string, object> _values = new Dictionary<string, object>();

    /// <summary>Add a member. A double key is an error of the sender.</summary>
    public void Add(string key, object value)
    {
        if (_values.ContainsKey(key))
            throw new FormatException("the key \"" + key + "\" is there twice");
        _values.Add(key, value);
        _members.Add(new KeyValuePair<string, object>(key, value));
    }

    public bool Has(string key)
    {
        return _values.ContainsKey(key);
    }

    /// <summary>Return the value of a key, which must be there.</summary>
    public object this[string key]
    {
        get
        {
            object value;
            if (!_values.TryGetValue(key, out value))
                throw new FormatException("the key \"" + key + "\" is missing");
            return value;
        }
    }

    /// <summary>Return true if a key has this value.</summary>
    public bool Is(string key, object value)
    {
        object found;
        return _values.TryGetValue(key, out found) && Equals(found, value);
    }

    /// <summary>Refuse other keys than these, because a misspelt key must not be lost.</summary>
    public void CheckKeys(params string[] known)
    {
        foreach (KeyValuePair<string, object> each in _members)
            if (Array.IndexOf(known, each.Key) < 0)
                throw new FormatException("nobody knows the key \"" + each.Key + "\"");
    }

    public IEnumerator<KeyValuePair<string, object>> GetEnumerator()
    {
        return _members.GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator()
    {
        return GetEnumerator();
    }
}

/// <summary>Reads JSON: null, bool, long, double, string, a list of objects, or a JsonObject.</summary>
internal sealed class JsonReader
{
    private const int MostDepth = 64;
    private readonly string _text;
    private int _at;
    private int _depth;

    private JsonReader(string text)
    {
        _text = text;
    }

    public static object Parse(string text)
    {
        var reader = new JsonReader(text);
        object value = reader.Value();
        reader.SkipBlanks();
        if (reader._at < text.Length)
            throw reader.Wrong("the end");
        return value;
    }

    private object Value()
    {
        SkipBlanks();
        if (_at == _text.Length)
            throw Wrong("a value");
        switch (_text[_at])
        {
            case '{':
                return Object();
            case '[':
                return List();
            case '"':
                return String();
            case 't':
                return Word("true", true);
            case 'f':
                return Word("false", false);
            case 'n':
                return Word("null", null);
            default:
                return Number();
        }
    }

    private JsonObject Object()
    {
        var found = new JsonObject();
        Enter();
        if (!TakeIf('}'))
        {
            do
            {
                SkipBlanks();
                if (_at == _text.Length || _text[_at] != '"')
                    throw Wrong("a key in quotes");
                string key = String();
                Take(':');
                found.Add(key, Value());
            }
            while (TakeIf(','));
            Take('}');
        }
        _depth--;
        return found;
    }

    private List<object> List()
    {
        var found = new List<object>();
        Enter();
        if (!TakeIf(']'))
        {
            do
                found.Add(Value());
            while (TakeIf(','));
            Take(']');
        }
        _depth--;
        return found;
    }

    private string String()
    {
        var text = new StringBuilder();
        for (_at++; _at < _text.Length && _text[_at] != '"'; _at++)
        {
            if (_text[_at] < ' ')
                throw Wrong("a character that is not a control character");
            text.Append(_text[_at] == '\\' ? Escaped() : _text[_at]);
        }
        if (_at == _text.Length)
            throw Wrong("the end of a string");
        _at++;
        return text.ToString();
    }

    private char Escaped()
    {
        int known = ++_at < _text.Length ? "\"\\/bfnrt".IndexOf(_text[_at]) : -1;
        if (known >= 0)
            return "\"\\/\b\f\n\r\t"[known];
        ushort code = 0;
        if (_at + 4 >= _text.Length || _text[_at] != 'u' || !ushort.TryParse(
            _text.Substring(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code))
            throw Wrong("an escape such as \\n or \\u0041");
        _at += 4;
        return (char)code;
    }

    private object Number()
    {
        Match found = Regex.Match(_text.Substring(_at, Math.Min(400, _text.Length - _at)), @"\A-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?");
        if (!found.Success)
            throw Wrong("a value");
        _at += found.Length;
        long whole;
        if (!found.Groups[1].Success && !found.Groups[2].Success
            && long.TryParse(found.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out whole))
            return whole;
        double number;
        if (!double.TryParse(found.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out number)
            || double.IsInfinity(number))
            throw Wrong("a number that fits into 64 bits");
        return number;
    }

    private object Word(string word, object value)
    {
        if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0)
            throw Wrong(word);
        _at += word.Length;
        return value;
    }

    private void Enter()
    {
        _at++;
        if (++_depth > MostDepth)
            throw new FormatException("the message is nested more than " + MostDepth + " times");
    }

    private bool TakeIf(char character)
    {
        SkipBlanks();
        if (_at == _text.Length || _text[_at] != character)
            return false;
        _at++;
        return true;
    }

    private void Take(char character)
    {
        if (!TakeIf(character))
            throw Wrong(character.ToString());
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && " \t\r\n".IndexOf(_text[_at]) >= 0)
            _at++;
    }

    private FormatException Wrong(string expected)
    {
        return new FormatException("no JSON: " + expected + " must stand at character " + (_at + 1));
    }
}
