// Ask a vision program with what C# has in every .NET: StreamWriter, BinaryWriter and XmlWriter.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Xml;

namespace Plain
{
    public static class Program
    {
        public static void Main(string[] args)
        {
            Console.OutputEncoding = new UTF8Encoding(false);
            using (var client = new TcpClient(args[1], int.Parse(args[2])))
            using (NetworkStream stream = client.GetStream())
            {
                client.ReceiveTimeout = 5000;
                Console.WriteLine(
                    args[0] == "lines" ? Lines(stream) : args[0] == "strings" ? Strings(stream) : Document(stream));
            }
        }

        private static string Lines(Stream stream)
        {
            // Encoding.UTF8 writes a byte order mark in front of the first line.
            var writer = new StreamWriter(stream, Encoding.UTF8) { NewLine = "\r\n", AutoFlush = true };
            writer.WriteLine("작업 시작,1");
            return new StreamReader(stream, Encoding.UTF8).ReadLine();
        }

        private static string Strings(Stream stream)
        {
            var writer = new BinaryWriter(stream, Encoding.UTF8);
            writer.Write("작업 시작,1");
            writer.Flush();
            return new BinaryReader(stream, Encoding.UTF8).ReadString();
        }

        private static string Document(Stream stream)
        {
            var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(false) };
            using (XmlWriter writer = XmlWriter.Create(stream, settings))
            {
                writer.WriteStartElement("Vision");
                writer.WriteStartElement("Start");
                writer.WriteAttributeString("Job", "1");
            }
            var answer = new StringBuilder();
            // A document ends where its root closes; a StreamReader would wait for more.
            while (!answer.ToString().EndsWith("</Vision>", StringComparison.Ordinal))
            {
                int next = stream.ReadByte();
                if (next < 0)
                    throw new EndOfStreamException();
                answer.Append((char)next);
            }
            var document = new XmlDocument();
            document.LoadXml(answer.ToString());
            return document.SelectSingleNode("/Vision/Position/@X").Value;
        }
    }
}
