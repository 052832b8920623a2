/* Ask a Modbus/TCP server with libmodbus: ask PORT UNIT */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>

static modbus_t *plc;

static void bits(int got, const uint8_t *values) {
    printf("%d:", got);
    for (int i = 0; i < got; i++) printf(" %d", values[i]);
    printf("\n");
}

static void words(int got, const uint16_t *values) {
    if (got < 0) {
        printf("%s\n", modbus_strerror(errno));
        return;
    }
    printf("%d:", got);
    for (int i = 0; i < got; i++) printf(" %d", values[i]);
    printf("\n");
}

int main(int count, char **arguments) {
    uint8_t flags[2000];
    uint16_t values[200];

    if (count < 3) return 2;
    plc = modbus_new_tcp("127.0.0.1", atoi(arguments[1]));
    modbus_set_slave(plc, atoi(arguments[2]));
    modbus_set_response_timeout(plc, 50, 0);
    if (modbus_connect(plc) < 0) return 1;

    words(modbus_read_registers(plc, 0, 3, values), values);
    words(modbus_read_input_registers(plc, 0, 3, values), values);
    bits(modbus_read_bits(plc, 0, 10, flags), flags);
    bits(modbus_read_input_bits(plc, 0, 4, flags), flags);
    printf("%d\n", modbus_write_register(plc, 5, 77));
    printf("%d\n", modbus_write_bit(plc, 3, TRUE));
    values[0] = 8, values[1] = 65535;
    printf("%d\n", modbus_write_registers(plc, 6, 2, values));
    flags[0] = 1, flags[1] = 0, flags[2] = 1;
    printf("%d\n", modbus_write_bits(plc, 4, 3, flags));
    bits(modbus_read_bits(plc, 2, 6, flags), flags);
    printf("%d\n", modbus_mask_write_register(plc, 5, 0xF2, 0x25));
    values[0] = 1, values[1] = 2;
    words(modbus_write_and_read_registers(plc, 10, 2, values, 9, 3, values), values);
    words(modbus_read_registers(plc, 12, 2, values), values);
    printf("%.2f\n", modbus_get_float_cdab(values));
    words(modbus_read_registers(plc, 19, 2, values), values);
    words(modbus_read_registers(plc, 0, 125, values), values);
    printf("%d\n", modbus_write_register(plc, 9, 1));
    printf("%s\n", modbus_strerror(errno));
    modbus_set_slave(plc, 9); /* a unit that is not there is silent */
    modbus_set_response_timeout(plc, 0, 300000);
    words(modbus_read_registers(plc, 0, 1, values), values);
    modbus_close(plc);
    modbus_free(plc);
    return 0;
}
