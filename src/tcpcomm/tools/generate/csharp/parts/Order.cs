/// <summary>The order of the bytes of a number. In the order Hex each byte is two digits, the highest first.</summary>
internal enum Order
{
    Big,
    Little,
    Hex
}
