// attack: a JVM that exits and never ends, because of its own hook
// stopped by: the deadline, and a kill of all
// expect: killed, timeout
// timeout: 4
// within: 30
Runtime.getRuntime().addShutdownHook(new Thread(() -> { for (;;) { try { Thread.sleep(1000); } catch (InterruptedException e) { } } }));
System.exit(0);
