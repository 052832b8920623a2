epicsEnvSet("STREAM_PROTOCOL_PATH", ".")
drvAsynIPPortConfigure("CAMERA", "10.0.0.5:9999")
dbLoadRecords("camera.db", "P=CAM,PORT=CAMERA")
iocInit
