import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.util.List;

/** java -cp 'jars/*' Launcher.java PORT [FILE]: loopback only. With FILE it keeps its data over a SIGTERM. PORT 0: any free port. */
public class Launcher {
  /** The library reports wire version 8, and mongoose 9 needs 9 or more. */
  private static final class Version5 implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(5, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return 13;
    }
  }

  public static void main(String[] args) {
    MongoBackend backend =
        args.length > 1 ? new H2Backend(args[1]).version(new Version5()) : new MemoryBackend().version(new Version5());
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("listening on " + server.getLocalAddress().getPort());
  }
}
