// Rules for the ends of messages in a stream of bytes. Copy this file together with TcpLink.cs.

using System;
using System.IO;
using System.Text;

namespace FactoryLink
{
    /// <summary>A rule that puts messages into a stream of bytes, and finds them in it.</summary>
    public abstract class Framing
    {
        /// <summary>End each message with these characters, which no message may contain.</summary>
        public static Framing Delimiter(string delimiter, int maxBytes = 1024 * 1024)
        {
            return new DelimiterFraming(Encoding.ASCII.GetBytes(delimiter), maxBytes);
        }

        /// <summary>Put the number of bytes before each message, in four bytes, the highest first.</summary>
        public static Framing LengthPrefix(int maxBytes = 1024 * 1024)
        {
            return new LengthFraming(maxBytes);
        }

        /// <exception cref="ArgumentException">This framing cannot send the message.</exception>
        internal abstract byte[] Wrap(byte[] message);

        /// <summary>Wait for the next message; null at the end of the stream.</summary>
        /// <exception cref="InvalidDataException">The stream does not follow the rule.</exception>
        internal abstract byte[] Read(Stream stream);

        private sealed class DelimiterFraming : Framing
        {
            private readonly byte[] _delimiter;
            private readonly int _maxBytes;

            public DelimiterFraming(byte[] delimiter, int maxBytes)
            {
                if (delimiter.Length == 0)
                    throw new ArgumentException("A delimiter must not be empty.", nameof(delimiter));
                _delimiter = delimiter;
                _maxBytes = maxBytes;
            }

            internal override byte[] Wrap(byte[] message)
            {
                if (message.Length > _maxBytes)
                    throw new ArgumentException($"A message may have {_maxBytes} bytes.", nameof(message));
                var wrapped = new byte[message.Length + _delimiter.Length];
                message.CopyTo(wrapped, 0);
                _delimiter.CopyTo(wrapped, message.Length);
                for (int end = _delimiter.Length; end < wrapped.Length; end++)
                    if (EndsWithDelimiter(wrapped, end))
                        throw new ArgumentException("The message contains its delimiter.", nameof(message));
                return wrapped;
            }

            internal override byte[] Read(Stream stream)
            {
                var message = new MemoryStream();
                for (int next = stream.ReadByte(); next >= 0; next = stream.ReadByte())
                {
                    message.WriteByte((byte)next);
                    if (EndsWithDelimiter(message.GetBuffer(), (int)message.Length))
                    {
                        message.SetLength(message.Length - _delimiter.Length);
                        return message.ToArray();
                    }
                    if (message.Length >= _maxBytes + _delimiter.Length)
                        throw new InvalidDataException($"There is no message end within {_maxBytes} bytes.");
                }
                if (message.Length > 0)
                    throw new InvalidDataException("The connection ended within a message.");
                return null;
            }

            private bool EndsWithDelimiter(byte[] bytes, int end)
            {
                int begin = end - _delimiter.Length;
                for (int i = _delimiter.Length - 1; i >= 0; i--)
                    if (begin < 0 || bytes[begin + i] != _delimiter[i])
                        return false;
                return true;
            }
        }

        private sealed class LengthFraming : Framing
        {
            private readonly int _maxBytes;

            public LengthFraming(int maxBytes)
            {
                _maxBytes = maxBytes;
            }

            internal override byte[] Wrap(byte[] message)
            {
                if (message.Length > _maxBytes)
                    throw new ArgumentException($"A message may have {_maxBytes} bytes.", nameof(message));
                var wrapped = new byte[4 + message.Length];
                for (int i = 0; i < 4; i++)
                    wrapped[i] = (byte)(message.Length >> (24 - 8 * i));
                message.CopyTo(wrapped, 4);
                return wrapped;
            }

            internal override byte[] Read(Stream stream)
            {
                var header = new byte[4];
                if (!Fill(stream, header, true))
                    return null;
                uint length = 0;
                foreach (byte each in header)
                    length = length << 8 | each;
                if (length > _maxBytes)  // checked before anything is allocated
                    throw new InvalidDataException($"The next message is to have {length} bytes.");
                var message = new byte[length];
                Fill(stream, message, false);
                return message;
            }

            /// <summary>Read exactly this many bytes: a single Read may return fewer. False at the end.</summary>
            private static bool Fill(Stream stream, byte[] bytes, bool mayEnd)
            {
                for (int have = 0; have < bytes.Length;)
                {
                    int got = stream.Read(bytes, have, bytes.Length - have);
                    if (got == 0 && have == 0 && mayEnd)
                        return false;
                    if (got == 0)
                        throw new InvalidDataException("The connection ended within a message.");
                    have += got;
                }
                return true;
            }
        }
    }
}
