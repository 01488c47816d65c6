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
        for name in ["LIBTORCH_INCLUDE", "LIBTORCH_CXX11_ABI"] {
            println!("cargo:rerun-if-env-changed={name}");
        }
        println!("cargo:rerun-if-changed=src/operation.cpp");
        let libraries = PathBuf::from(env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is"));
        let home = env::var_os("LIBTORCH_INCLUDE").map_or_else(|| libraries.join(".."), PathBuf::from);
        let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
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
