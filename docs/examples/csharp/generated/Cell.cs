// A control program that uses the class that was generated for a gripper.
//
//     tcpcomm generate csharp gripper:Gripper -o Gripper.cs
//     mcs -langversion:6 -out:Cell.exe Gripper.cs Cell.cs

using System;
using Gripper;

internal static class Cell
{
    private static int Main(string[] args)
    {
        using (var gripper = new GripperClient(args[0], int.Parse(args[1])))
        {
            gripper.Dropped += (force) => Console.WriteLine($"dropped at {force} N");
            gripper.Closed += reason => Console.WriteLine($"closed: {reason}");
            try
            {
                gripper.Connect();
                Grip grip = gripper.Close(20.0);
                Console.WriteLine($"holds: {grip.Holds}");
                gripper.Close(40.0);
            }
            catch (FaultException fault)
            {
                Console.WriteLine($"the gripper says no: {fault.Code}, {fault.Reason}");
            }
            catch (NotSentException error)
            {
                Console.WriteLine($"not sent, try again: {error.Message}");
            }
            catch (OutcomeUnknownException error)
            {
                Console.WriteLine($"nobody knows, look at the machine: {error.Message}");
            }
        }
        return 0;
    }
}
