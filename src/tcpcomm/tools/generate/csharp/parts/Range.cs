/// <summary>A value is beyond its range.</summary>
public sealed class RangeException : ArgumentOutOfRangeException
{
    public RangeException(string name, string message) : base(name, message) { }
}

/// <summary>Ranges of numbers.</summary>
internal static class Range
{
    /// <exception cref="RangeException">The value is beyond its range.</exception>
    public static void Check<T>(T? value, T low, T high, string name) where T : struct, IComparable<T>
    {
        if (value.HasValue && (value.Value.CompareTo(low) < 0 || value.Value.CompareTo(high) > 0))
            throw new RangeException(name, string.Format(
                CultureInfo.InvariantCulture, "{0} is beyond the range from {1} to {2}", value, low, high));
    }
}
