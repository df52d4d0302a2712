"""Pure decisions: values in, values out. Nothing here reads a clock, does I/O, logs or imports user code."""
