//! Compiles the few lines of C++, against the libtorch that torch-sys has found.

fn main() {
    #[cfg(feature = "torch")]
    torch::compile();
}

#[cfg(feature = "torch")]
mod torch {
    use std::env;
    use std::path::PathBuf;

    pub fn compile() {
        println!("cargo:rerun-if-changed=src/operation.cpp");
        let libraries =
            env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is, on Linux and macOS");
        // As torch-sys itself: where Python's torch is asked for, the other names say nothing.
        let given = |name: &str| {
            println!("cargo:rerun-if-env-changed={name}");
            env::var(name).ok()
        };
        let by_name = |name: &str| given(name).filter(|_| given("LIBTORCH_USE_PYTORCH").is_none());
        let home = by_name("LIBTORCH_INCLUDE").or_else(|| by_name("LIBTORCH")).map(PathBuf::from);
        let home = home.unwrap_or_else(|| PathBuf::from(libraries).join(".."));
        let abi = by_name("LIBTORCH_CXX11_ABI").unwrap_or_else(|| "1".to_owned());
        cc::Build::new()
            .cpp(true)
            .std("c++17")
            .flag_if_supported("-fvisibility=hidden")
            // Torch's own headers do not compile without warnings.
            .warnings(false)
            .include(home.join("include"))
            .include(home.join("include/torch/csrc/api/include"))
            .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
            .define("GLOG_USE_GLOG_EXPORT", None)
            .file("src/operation.cpp")
            .compile("fused_norm");
    }
}
