// The classes of binary declarations talk to the Python side of the test.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;

internal static class BinaryTalk
{
    public static void Ask(int port)
    {
        using (var cell = new BinaryCell.BinaryCellClient("127.0.0.1", port))
        {
            var alarms = new BlockingCollection<string>();
            cell.Alarm += (code, doors) => alarms.Add(code + " " + doors);
            cell.Connect();
            cell.Put(cell.Get());
            Talk.Say(string.Join("", cell.Coils(3, 10).Select(each => each ? 1 : 0)));
            Talk.SayError(() => cell.Fail(7));
            Talk.SayError(() => cell.Fail(3));
            Talk.Say(alarms.Take());
        }
    }

    public sealed class Server : BinaryCell.BinaryCellServer
    {
        private BinaryCell.BinaryValues _kept;

        public Server() : base(IPAddress.Loopback, 0) { }

        protected override void Put(BinaryCell.BinaryValues values)
        {
            _kept = values;
            SendAlarm(513, values.Doors);
        }

        protected override BinaryCell.BinaryValues Get()
        {
            return _kept;
        }

        protected override IReadOnlyList<bool> Coils(ushort start, ushort size)
        {
            return Enumerable.Range(start, size).Select(each => each % 3 == 0).ToList();
        }

        protected override ushort Fail(byte code)
        {
            if (code == 0)
                throw new InvalidOperationException("a bug");
            throw new BinaryCell.FaultException(code, code == 7 ? "" : "문");
        }
    }
}

internal static class HeadedTalk
{
    public static void Ask(int port)
    {
        using (var cell = new HeadedCell.HeadedCellClient("127.0.0.1", port))
        {
            var jobs = new BlockingCollection<string>();
            cell.Finished += (job, at) => jobs.Add(job + " " + at);
            cell.Connect();
            Talk.Say(cell.Open("robot"));
            cell.Header.Unit = 7;
            Talk.Say(string.Join(",", cell.Units()));
            Task<ushort> late = Task.Run(() => cell.Wait(500));
            Task<ushort> early = Task.Run(() => cell.Wait(1));
            Talk.Say(Task.WhenAny(late, early).Result.Result);
            Talk.Say(late.Result);
            Talk.SayError(() => cell.Open(""));
            try
            {
                cell.Open("");
            }
            catch (HeadedCell.FaultException fault)
            {
                Talk.Say(BitConverter.ToString((byte[])fault.Details));
            }
            cell.Beat(9);
            Talk.Say(jobs.Take());
        }
    }

    public sealed class Server : HeadedCell.HeadedCellServer
    {
        public Server() : base(IPAddress.Loopback, 0) { }

        protected override uint Open(string name)
        {
            if (name == "")
                throw new HeadedCell.FaultException(0x8123, "", new byte[] { 1, 2, 3 });
            Header.Session = 0x11223344;
            return 5;
        }

        protected override IReadOnlyList<byte> Units()
        {
            return new[] { Header.Unit, (byte)Header.Session };
        }

        protected override void Beat(ushort job)
        {
            SendFinished(job, new HeadedCell.Point(1.5f, -2f));
        }

        protected override ushort Wait(ushort milliseconds)
        {
            Thread.Sleep(milliseconds);
            return milliseconds;
        }
    }
}
