import java.io.OutputStream;
import java.io.PrintStream;
import org.jetbrains.kotlinx.jupyter.streams.KernelStreams;

/**
 * Starts the kernel, whose cells write to System.err as to any other process's: past the client. While a cell runs, its
 * stream is the client's instead, which the kernel has but gives to nobody; at other times it is the process's.
 */
public final class Launch {
    private static PrintStream ours;

    public static void main(String[] args) {
        ours = new PrintStream(new Stderr(System.err), true);
        System.setErr(ours);
        org.jetbrains.kotlinx.jupyter.IkotlinKt.main(args);
    }

    private static final class Stderr extends OutputStream {
        private final PrintStream process;
        private boolean passing;

        Stderr(PrintStream process) {
            this.process = process;
        }

        @Override
        public void write(int octet) {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        /** What the client's stream itself says meanwhile is the process's. */
        @Override
        public synchronized void write(byte[] octets, int from, int length) {
            PrintStream client = KernelStreams.INSTANCE.getErr();
            if (passing || client == ours) {
                process.write(octets, from, length);
                return;
            }
            passing = true;
            try {
                client.write(octets, from, length);
            } finally {
                passing = false;
            }
        }

        /** The client's stream sends by itself what is as old or as much as it should be. */
        @Override
        public void flush() {
            process.flush();
        }
    }
}
