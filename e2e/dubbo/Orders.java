// A provider and a consumer of Dubbo for the tests that compare what was sent with what was counted.
//
// java -cp 'JARS/*' Orders.java serve PORT
// java -cp 'JARS/*' Orders.java load ADDRESS CONNECTIONS REQUESTS [AT ONCE ON EACH]

import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcException;

public class Orders {
    /** What is called. */
    public interface Store {
        String get(String order);
    }

    /** One of so many calls is one that has to fail. */
    static final int FAIL_EACH = 10;

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("serve")) {
            serve(Integer.parseInt(arguments[1]));
            Thread.currentThread().join();
        }
        int atOnce = arguments.length > 4 ? Integer.parseInt(arguments[4]) : 1;
        load(arguments[1], Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]), atOnce);
        System.exit(0);
    }

    static ApplicationConfig application(String name) {
        ApplicationConfig application = new ApplicationConfig(name);
        application.setQosEnable(false);
        application.setEnableFileCache(false);
        return application;
    }

    static void serve(int port) {
        ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
        protocol.setHost("127.0.0.1");
        ServiceConfig<Store> service = new ServiceConfig<>();
        service.setInterface(Store.class);
        service.setRef(order -> {
            if (order.equals("absent")) {
                throw new IllegalArgumentException("no such order");
            }
            return order;
        });
        DubboBootstrap.getInstance()
            .application(application("provider"))
            .registry(new RegistryConfig("N/A"))
            .protocol(protocol)
            .service(service)
            .start();
    }

    static void load(String address, int connections, int requests, int atOnce) throws Exception {
        DubboBootstrap bootstrap = DubboBootstrap.getInstance().application(application("consumer"))
            .registry(new RegistryConfig("N/A"));
        ArrayList<ReferenceConfig<Store>> references = new ArrayList<>();
        for (int at = 0; at < connections; at++) {
            ReferenceConfig<Store> reference = new ReferenceConfig<>();
            reference.setInterface(Store.class);
            // A connection of its own for each reference.
            reference.setUrl("dubbo://" + address + "/" + Store.class.getName() + "?connections=1&heartbeat=600000&id=" + at);
            reference.setId("store-" + at);
            reference.setCheck(false);
            reference.setRetries(0);
            reference.setTimeout(10000);
            references.add(reference);
            bootstrap.reference(reference);
        }
        bootstrap.start();
        AtomicLong sent = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        ArrayList<Thread> threads = new ArrayList<>();
        for (ReferenceConfig<Store> reference : references) {
            Store store = reference.get();
            // What a connection speaks shows in a call that is alone on it.
            sent.incrementAndGet();
            store.get("order");
            for (int worker = 0; worker < atOnce; worker++) {
                int first = worker;
                Thread thread = new Thread(() -> {
                    for (int at = first; at < requests - 1; at += atOnce) {
                        sent.incrementAndGet();
                        try {
                            store.get(at % FAIL_EACH == FAIL_EACH - 2 ? "absent" : "order");
                        } catch (IllegalArgumentException | RpcException failure) {
                            failed.incrementAndGet();
                        }
                    }
                });
                thread.start();
                threads.add(thread);
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println("sent " + sent + " failed " + failed);
    }
}
