// attack: a loop in a JVM that holds on to its interrupts
// stopped by: a kill of all, after the interrupt's grace
// expect: timeout
// timeout: 4
// within: 30
for (;;) { Thread.interrupted(); try { Thread.sleep(10); } catch (InterruptedException ignored) { } catch (Throwable all) { } }
