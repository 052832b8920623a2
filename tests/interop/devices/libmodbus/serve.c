/* Serve one Modbus/TCP connection with libmodbus. It prints the port, and ends with the connection. */
#include <arpa/inet.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    modbus_t *plc = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *tables = modbus_mapping_new(20, 20, 20, 20);
    int listening = modbus_tcp_listen(plc, 1), got;

    if (listening < 0 || tables == NULL) return 1;
    for (int i = 0; i < 20; i++) {
        tables->tab_registers[i] = 11 + i;
        tables->tab_input_registers[i] = 100 + i;
        tables->tab_input_bits[i] = i % 3 != 1;
    }
    getsockname(listening, (struct sockaddr *) &address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    modbus_tcp_accept(plc, &listening);
    while ((got = modbus_receive(plc, request)) >= 0)
        if (got > 0) modbus_reply(plc, request, got, tables);
    close(listening);
    modbus_mapping_free(tables);
    modbus_close(plc);
    modbus_free(plc);
    return 0;
}
