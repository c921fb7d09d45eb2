/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "contract.h"
void bw_contract_test_host_input(void) {
}
void bw_contract_test_host_output(void) {
}
