// A client of OPC UA for Node.js that others wrote: it prints what it finds, one JSON text a line.
const { OPCUAClient, AttributeIds, TimestampsToReturn, DataType, Variant, VariantArrayType, constructEventFilter }
    = require("node-opcua-client");

const say = (name, value) => console.log(JSON.stringify({ name, value }));
const PRESS = "ns=2;s=press-1";

async function main(endpoint) {
    const client = OPCUAClient.create({ endpointMustExist: false, connectionStrategy: { maxRetry: 3 } });
    await client.connect(endpoint);
    const session = await client.createSession();

    const found = await session.browse(PRESS);
    say("browsed", found.references.map((each) => each.browseName.name));

    const x = `${PRESS}/Values/locate/x`;
    const value = await session.read({ nodeId: x, attributeId: AttributeIds.Value });
    say("x", { value: value.value.value, type: DataType[value.value.dataType], status: value.statusCode.name,
        hasTime: value.sourceTimestamp !== null });
    const unit = await session.read({ nodeId: `${x}/EngineeringUnits`, attributeId: AttributeIds.Value });
    say("unit", { text: unit.value.value.displayName.text, id: unit.value.value.unitId });
    const range = await session.read({ nodeId: `${x}/EURange`, attributeId: AttributeIds.Value });
    say("range", [range.value.value.low, range.value.value.high]);

    const described = await session.getArgumentDefinition(`${PRESS}/locate`);
    say("arguments", { inputs: described.inputArguments.map((each) => each.name),
        outputs: described.outputArguments.map((each) => each.name) });

    const subscription = await session.createSubscription2({ requestedPublishingInterval: 50,
        requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 20, publishingEnabled: true });
    const fields = ["EventType", "SourceName", "Message", "Severity", "2:code", "2:text"];
    const events = await subscription.monitor(
        { nodeId: "ns=0;i=2253", attributeId: AttributeIds.EventNotifier },
        { samplingInterval: 0, queueSize: 10, discardOldest: true, filter: constructEventFilter(fields) },
        TimestampsToReturn.Both);
    const event = new Promise((resolve) => events.on("changed", (values) => resolve(values)));

    const call = async (job) => {
        const result = await session.call({ objectId: PRESS, methodId: `${PRESS}/locate`,
            inputArguments: [new Variant({ dataType: DataType.Int64, arrayType: VariantArrayType.Scalar,
                value: [0, job] })] });
        return { status: result.statusCode.name, outputs: (result.outputArguments || []).map((each) => each.value) };
    };
    say("called", await call(7));
    const values = await event;
    say("event", { type: values[0].value.toString(), source: values[1].value, message: values[2].value.text,
        severity: values[3].value, code: values[4].value, text: values[5].value });
    say("fault", await call(4));
    say("slow", await call(5));

    const items = await subscription.monitor({ nodeId: x, attributeId: AttributeIds.Value },
        { samplingInterval: 0, queueSize: 100, discardOldest: true }, TimestampsToReturn.Both);
    const status = (name) => new Promise((resolve) =>
        items.on("changed", (data) => data.statusCode.name === name && resolve(name)));
    const good = status("Good"), bad = status("BadNoCommunication");
    await good;
    say("pull", true);
    say("pulled", await bad);

    await session.close();
    await client.disconnect();
}

main(process.argv[2]).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
