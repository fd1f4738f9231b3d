// attack: threads without end
// stopped by: the limit of processes, which counts threads
// expect: ok
// timeout: 30
// within: 60
// runsc: gVisor's own threads count as processes: at the limit all of the sandbox ends
// runsc expect: ok, killed
int started = 0;
var over = new java.util.concurrent.CountDownLatch(1);
try {
    while (started < 5000) {
        var thread = new Thread(null, () -> { try { over.await(); } catch (InterruptedException e) { } }, "many", 1);
        thread.setDaemon(true);
        thread.start();
        started++;
    }
} catch (OutOfMemoryError refused) { }
over.countDown();
System.out.println(started >= 256 ? "ESCAPED: " + started + " threads" : "HELD: no more threads");
